"""Saves and loads what training made: the model with all that rebuilds it, and the resume state.

Files hold tensors and plain values only and are loaded with `weights_only=True`, so a hostile file
runs no code. `model.pt` is enough for evaluation and export; `last.pt` is only for `--resume`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rtau.contract import CamMethod
from rtau.errors import ConfigError, ContractError, RtauError, SinkError, SourceOpenError
from rtau.strict_parser import StrictParser
from rtau_train.models import build, check_weights
from rtau_train.models.facenet import FaceNet
from rtau_train.recipe import Recipe
from rtau_train.whole_file import whole_file

# Raised when a field changes its meaning; older files are then refused with a clear text.
FORMAT = 3
MODEL_FILE = "model.pt"
# Fields of a model that have a value per label.
_PER_LABEL = (
    *("thresholds", "cam_scale", "cam_plus_plus_scale", "temperature", "shift", "intensity_scale"),
)


@dataclasses.dataclass(frozen=True)
class Model:
    """A trained network and everything needed to rebuild, judge and export it."""

    recipe: Recipe
    recipe_path: str
    """Path of the recipe that was given to `rtau-train fit`."""
    epochs_done: int
    thresholds: tuple[float, ...]
    """Per label, chosen on the held-out threshold part."""
    cam_scale: tuple[float, ...]
    """Per label, the raw Grad-CAM value that counts as full heat."""
    weights: dict[str, Tensor]
    """The network's state dict."""
    is_dense: bool
    """Whether these weights learnt in the dense form; they are judged and exported in it."""
    cam_plus_plus_scale: tuple[float, ...] | None = None
    """The same for Grad-CAM++; None in a checkpoint older than it."""
    temperature: tuple[float, ...] | None = None
    """Per label, what the logits of training were divided by; folded into the weights. None: the
    model is not calibrated."""
    shift: tuple[float, ...] | None = None
    """Per label, what was taken off the logits of training first; folded into the weights."""
    calibration_origin: str = ""
    """The data the two were chosen on."""
    thresholds_origin: str = ""
    """The data and the rule the thresholds were chosen by; empty: as the loop does it."""
    intensity_scale: tuple[tuple[float, ...], ...] | None = None
    """Per label, the probability at each intensity 0 to 5; None before `rtau-train probe`."""
    side_gains: dict[str, float] | None = None
    """Labels whose sides `rtau-train probe` found told apart, and what `ModelContract.side_gains`
    says of them."""

    @property
    def best_f1_origin(self) -> str:
        """How the loop and `calibrate` choose thresholds, in the words of a contract."""
        plan = self.recipe.split
        return (
            f"best F1 on the validation part, {plan.validation:.0%} of the training data held out "
            f"by {plan.protocol}; occurrence = intensity 2 or more"
        )

    def network(self) -> FaceNet:
        """Returns the network in eval mode, in the form its weights learnt in."""
        net = build(self.recipe.network)
        net.load_state_dict(self.weights)
        net.set_dense(self.is_dense)
        return net.eval()

    def scale_of(self, method: CamMethod, /) -> tuple[float, ...]:
        """Returns per label the raw value of one kind of CAM that counts as full heat.

        Raises:
            ContractError: the checkpoint is older than that kind.
        """
        scale = self.cam_scale if method == "gradcam" else self.cam_plus_plus_scale
        if scale is None:
            raise ContractError(
                f"the checkpoint has no scale for {method}; `rtau-train calibrate RUN --data DIR` "
                "measures one"
            )
        return scale

    def weights_sha256(self) -> str:
        """Returns the SHA-256 of names, shapes and bytes of all weights, in order of name."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            values = self.weights[name].detach().contiguous().cpu().numpy()
            digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
            digest.update(values.tobytes())
        return digest.hexdigest()


def save_model(path: Path, model: Model) -> None:
    """Writes a model; a crash leaves the old file whole."""
    payload = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    save_state(path, {"kind": "model", **payload, "recipe": model.recipe.to_dict()})


def load_model(path: Path) -> Model:
    """Returns the model of a `model.pt`, or of the run folder that holds one.

    Raises:
        SourceOpenError: missing, not a checkpoint, of another format, or with weights of another
            network than its recipe's.
    """
    if path.is_dir():
        path = path / MODEL_FILE
    payload = load_state(path, kind="model")
    recipe = Recipe.from_dict(payload.get("recipe", {}), origin=str(path))
    _check_form(payload, recipe, path)
    check_weights(payload.get("weights"), recipe.network, origin=path)
    try:
        model = StrictParser().parse(Model, payload)
    except ConfigError as error:
        raise SourceOpenError(f"{path}: not a model of this version of rtau ({error})") from None
    for name in _PER_LABEL:
        values = getattr(model, name)
        if values is not None and len(values) != len(recipe.network.labels):
            raise SourceOpenError(
                f"{path}: {name} must have {len(recipe.network.labels)} values, one per label, "
                f"got {len(values)}"
            )
    return model


def _check_form(payload: dict[str, Any], recipe: Recipe, path: Path) -> None:
    """Adds the form to a file older than it, in which every network was judged in dense form.

    Raises:
        SourceOpenError: its thresholds are those of a form that its weights never learnt in.
    """
    if "is_dense" in payload:
        return
    if recipe.has_dense_form and not recipe.fit.dense_epochs:
        raise SourceOpenError(
            f"{path}: this checkpoint was trained in the plain form and judged in the dense one, "
            "by an older version of rtau; train it again, with fit.dense_epochs for the dense form"
        )
    payload["is_dense"] = recipe.fit.dense_epochs > 0


def save_state(path: Path, payload: dict[str, Any]) -> None:
    """Writes tensors and plain values; a crash or a full disk leaves the old file whole.

    Raises:
        SinkError: the file cannot be written.
    """
    try:
        with whole_file(path) as part:
            torch.save({"format": FORMAT, **payload}, part)
    except (OSError, RuntimeError) as error:  # torch's writer raises the latter on a full disk
        raise SinkError(
            f"{path}: the checkpoint cannot be written ({_first_line(error)}); free space, then go "
            "on with --resume"
        ) from None


def load_state(path: Path, *, kind: str) -> dict[str, Any]:
    """Returns what `save_state` wrote, without its `format` and `kind`.

    Raises:
        SourceOpenError: missing, not a checkpoint of this kind, or of another format.
    """
    try:
        with warnings.catch_warnings():
            # torch remarks on foreign pickles before it refuses them; one line is enough.
            warnings.simplefilter("ignore", UserWarning)
            payload = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise SourceOpenError(
            f"{path}: no such checkpoint; `rtau-train fit` writes model.pt into its --out folder"
        ) from None
    except Exception as error:  # noqa: BLE001 - of damaged bytes torch raises any error
        reason = _first_line(error) or "truncated"
        raise SourceOpenError(f"{path}: not a readable checkpoint ({reason})") from None
    if not isinstance(payload, dict) or payload.pop("kind", None) != kind:
        raise SourceOpenError(f"{path}: not a checkpoint of kind {kind!r}")
    version = payload.pop("format", None)
    if version != FORMAT:
        raise SourceOpenError(f"{path}: checkpoint format must be {FORMAT}, got {version!r}")
    return payload


@contextlib.contextmanager
def resumed_state(path: Path, *, kind: str) -> Iterator[dict[str, Any]]:
    """Yields what `save_state` wrote to a block that goes on from it.

    Raises:
        SourceOpenError: as `load_state`, or it lacks values, or has those of another network.
    """
    state = load_state(path, kind=kind)
    try:
        yield state
    except RtauError:
        raise
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceOpenError(
            f"{path}: not the state of this training ({reason}); restore the file, or remove it "
            "to begin anew"
        ) from None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]
