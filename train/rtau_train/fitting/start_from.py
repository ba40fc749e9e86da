"""The weights of another run, to begin with in place of random ones: `fit --start-from`.

Network and head must be the same, for weights mean nothing elsewhere; the size of the crops may
differ, and landmarks may be on one side only. A deep network may begin with a shallow one. Called
by the loop.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from torch import Tensor

from rtau.errors import ConfigError
from rtau_train.datasets.splits import FILE_NAME as SPLIT_FILE
from rtau_train.models import build
from rtau_train.models.checkpoint import load_model
from rtau_train.models.deepening import SHALLOW_OF, deepened
from rtau_train.models.facenet import FaceNet
from rtau_train.recipe import Network

# What the weights, or what they were trained to see, depend on.
_SAME = ("task", "labels", "hidden", "pooling", "mean", "std")
_LANDMARKS = "landmarks."


@dataclasses.dataclass(frozen=True)
class OtherRun:
    """The run whose weights another run begins with."""

    path: str
    """Its folder or model.pt, as it was given."""
    weights_sha256: str
    """Of what the run trained."""
    weights: dict[str, Tensor]
    """The state dict to begin with; of a shallow network, made deep."""
    split_folder: Path | None
    """Where its split.json is; None for a model.pt without one."""

    def start(self, network: Network, /) -> FaceNet:
        """Returns the network as training begins: these weights, frozen parts frozen.

        Landmarks begin with random numbers from torch's global generator where the other run had
        none.
        """
        net = build(network)
        fresh = {name: v for name, v in net.state_dict().items() if name.startswith(_LANDMARKS)}
        kept = {
            name: value
            for name, value in self.weights.items()
            if name in fresh or not name.startswith(_LANDMARKS)
        }
        net.load_state_dict({**fresh, **kept})
        net.freeze(network.unfreeze)
        return net


def read_other_run(path: Path, network: Network, /) -> OtherRun:
    """Returns the weights of a run's folder or model.pt, for a network to begin with.

    Raises:
        SourceOpenError: missing, not a checkpoint, or of another format.
        ConfigError: its network or head is not the recipe's.
    """
    model = load_model(path)
    theirs = model.recipe.network
    is_shallow = theirs.name == SHALLOW_OF.get(network.name)
    same = _SAME if is_shallow else ("name", *_SAME)
    differ = [name for name in same if getattr(theirs, name) != getattr(network, name)]
    if differ:
        found = "; ".join(
            f"network.{name} is {_words(getattr(theirs, name))} there and "
            f"{_words(getattr(network, name))} in the recipe"
            for name in differ
        )
        raise ConfigError(
            f"--start-from {path}: must be a run of the recipe's network and head, but {found}; "
            "name another run, or change the recipe with --set"
        )
    folder = path if path.is_dir() else path.parent
    split_folder = folder if (folder / SPLIT_FILE).is_file() else None
    weights = deepened(model.weights) if is_shallow else model.weights
    return OtherRun(path.as_posix(), model.weights_sha256(), weights, split_folder)


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
