"""The weights of another run or file, to begin with in place of random ones: `fit --start-from`.

Network and head must be the same, for weights mean nothing elsewhere; the size of the crops may
differ, landmarks may be on one side only, and the recipe may have further labels behind the other
run's. A deep network may begin with a shallow one. Called by the loop.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from rtau.backends.onnx_file import contract_in
from rtau.errors import ConfigError, SourceOpenError
from rtau_train.datasets.splits import FILE_NAME as SPLIT_FILE
from rtau_train.models import build
from rtau_train.models.checkpoint import MODEL_FILE, load_model
from rtau_train.models.deepening import SHALLOW_OF, deepened
from rtau_train.models.engine_weights import weights_of_file
from rtau_train.models.facenet import LABEL_ROWS, FaceNet
from rtau_train.recipe import Network
from rtau_train.records import portable

# What the weights, or what they were trained to see, depend on.
_SAME = ("task", "hidden", "pooling", "mean", "std")
_OPTIONAL = ("landmarks.", "geometry.", "pose.")


@dataclasses.dataclass(frozen=True)
class OtherRun:
    """The run whose weights another run begins with."""

    path: str
    """Its folder, model.pt or ONNX file, as records name it."""
    weights_sha256: str
    """Of what the run trained."""
    weights: dict[str, Tensor]
    """The state dict to begin with; of a shallow network, made deep."""
    split_folder: Path | None
    """Where its split.json is; None for a file without one."""
    thresholds: Mapping[str, float]
    """Of its labels; they stay where the new data cannot choose one."""
    without_statistics: bool = False
    """Whether the batch norms have to be given the statistics of crops first: the export folds
    them away."""

    def start(self, network: Network, /) -> FaceNet:
        """Returns the network as training begins: these weights, frozen parts frozen.

        Landmarks and the rows of further labels begin with random numbers from torch's global
        generator where the other run had none.
        """
        net = build(network)
        own = net.state_dict()
        fresh = {name: value for name, value in own.items() if name.startswith(_OPTIONAL)}
        kept = {
            name: _beside(value, own[name]) if name in LABEL_ROWS else value
            for name, value in self.weights.items()
            if name in own or not name.startswith(_OPTIONAL)
        }
        net.load_state_dict({**fresh, **kept})
        net.freeze(network.unfreeze)
        return net


def read_other_run(path: Path, network: Network, /) -> OtherRun:
    """Returns the weights of a run's folder, model.pt or ONNX file, for a network to begin with.

    Raises:
        SourceOpenError: missing, not a checkpoint, or of another format.
        ConfigError: its network or head is not the recipe's.
    """
    if path.suffix == ".onnx":
        return _read_file(path, network)
    model = load_model(path)
    theirs = model.recipe.network
    is_shallow = theirs.name == SHALLOW_OF.get(network.name)
    same = _SAME if is_shallow else ("name", *_SAME)
    found = [
        _difference(name, getattr(theirs, name), getattr(network, name))
        for name in same
        if getattr(theirs, name) != getattr(network, name)
    ]
    _refuse(path, [*found, *_other_labels(theirs.labels, network)])
    folder = path if path.is_dir() else path.parent
    split_folder = folder if (folder / SPLIT_FILE).is_file() else None
    weights = deepened(model.weights) if is_shallow else model.weights
    run = path.parent if path.name == MODEL_FILE else path
    thresholds = dict(zip(theirs.labels, model.thresholds, strict=True))
    return OtherRun(portable(run), model.weights_sha256(), weights, split_folder, thresholds)


def _read_file(path: Path, network: Network) -> OtherRun:
    """Returns the weights of an exported file; which pictures they have seen is not known."""
    try:
        file = path.read_bytes()
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be read ({error.strerror})") from None
    contract = contract_in(file, origin=str(path))
    wanted = {"network": network.name, "task": network.task}
    found = [
        _difference(name, getattr(contract, name), value)
        for name, value in wanted.items()
        if getattr(contract, name) != value
    ]
    _refuse(path, [*found, *_other_labels(contract.labels, network)])
    weights = weights_of_file(file, build(network), origin=path)
    thresholds = dict(zip(contract.labels, contract.thresholds, strict=True))
    return OtherRun(portable(path), contract.weights_sha256, weights, None, thresholds, True)


def _beside(values: Tensor, like: Tensor) -> Tensor:
    """Returns the rows of another run's labels, then the fresh rows of further labels."""
    return torch.cat([values, like[len(values) :]])


def _other_labels(theirs: tuple[str, ...], network: Network) -> list[str]:
    if network.labels[: len(theirs)] == theirs:
        return []
    return [_difference("labels", theirs, network.labels)]


def _difference(name: str, theirs: object, ours: object) -> str:
    return f"network.{name} is {_words(theirs)} there and {_words(ours)} in the recipe"


def _refuse(path: Path, differences: list[str]) -> None:
    if differences:
        raise ConfigError(
            f"--start-from {path}: must be of the recipe's network and head, but "
            f"{'; '.join(differences)}; name another run or file, or change the recipe with --set"
        )


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
