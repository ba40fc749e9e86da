"""What one training configuration file holds: frozen, typed, read once from TOML.

A recipe names the network, the crop geometry and every number of a run; nothing is inherited
from another recipe. Knows neither torch nor pixels; read by every other module of this package.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import typing
from pathlib import Path
from typing import Any, Literal

from rtau.contract import CropRule
from rtau.data import Task
from rtau.errors import ConfigError
from rtau.facs import au_from_label

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PoolingKind = Literal["average", "max"]
Weights = Literal["none", "imagenet"]
Unfreeze = Literal["all", "last_block"]


@dataclasses.dataclass(frozen=True)
class Network:
    """The network and what it eats."""

    name: str
    """Key of `rtau_train.models.NETWORKS`."""
    labels: tuple[str, ...]
    """AUs or emotions, by task, in output order."""
    input_size: int
    """Side of the crops, px."""
    hidden: int
    """Width of the hidden ReLU layer of the head, 512 in the first paper; 0 leaves it out."""
    dropout: float
    """Share of hidden values dropped in training."""
    mean: tuple[float, float, float]
    """Subtracted per RGB channel, on a 0-1 scale."""
    std: tuple[float, float, float]
    """Divided by per RGB channel."""
    task: Task = "multi_label"
    """multi_label: an AU per output, sigmoid; multi_class: one of the labels, softmax."""
    pooling: PoolingKind = "average"
    """Global pooling of the last feature maps; the first paper says "global average max"."""
    weights: Weights = "none"
    """What the body starts from: random numbers, or the ImageNet weights of its provider."""
    unfreeze: Unfreeze = "all"
    """What is trained: everything, or the head and the body's last convolutional block."""
    landmarks: bool = True
    """Whether 68 landmarks are predicted beside the labels while training."""

    def __post_init__(self) -> None:
        if self.hidden < 0:
            raise ConfigError(f"network.hidden must be 0 or more, got {self.hidden}")
        if len(set(self.labels)) != len(self.labels) or not self.labels:
            raise ConfigError(f"network.labels must be different names, got {self.labels}")
        if self.weights == "none" and self.unfreeze != "all":
            raise ConfigError(
                'network.unfreeze must be "all" where network.weights is "none": frozen random '
                "weights cannot learn"
            )
        for label in self.labels if self.task == "multi_label" else ():
            if au_from_label(label).label != label:
                raise ConfigError(f"network.labels must be like AU04, got {label!r}")


@dataclasses.dataclass(frozen=True)
class Crop:
    """The canonical square, laid on the box of the 68 landmarks."""

    side_over_landmark_box: float
    """Side of the square over the longer side of the landmark box."""
    lift: float
    """How far the square's centre lies above the box's centre, in sides of the square."""


@dataclasses.dataclass(frozen=True)
class Augment:
    """Random changes of a training crop: geometry by standard deviation, the rest by chance."""

    shift_std: float
    """Of the centre, in sides of the square."""
    scale_std: float
    """Of the logarithm of the side."""
    turn_std_deg: float
    """Of the rotation about the centre."""
    mirror: float
    """Chance of swapping left and right; AU labels stay, landmarks change places."""
    grey: float
    """Chance of losing all colour."""
    tone: float
    """Chance of changed contrast, brightness, gamma and colour balance."""
    blur: float
    """Chance of a Gaussian blur."""
    small: float
    """Chance of passing through a smaller picture, as a far face does."""
    noise: float
    """Chance of sensor noise."""
    jpeg: float
    """Chance of strong JPEG compression."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """The optimisation."""

    seed: int
    epochs: int
    batch: int
    max_lr: float
    """Peak of the one-cycle schedule."""
    warm_up: float
    """Share of the steps before the peak."""
    weight_decay: float
    dense_epochs: int
    """Last epochs, trained with the finer feature map that is exported."""
    landmark_weight: float
    """Weight of the auxiliary landmark loss beside the AU loss; 0 leaves it out."""
    full_intensity: float
    """Intensity from which the soft target of an AU is 1."""
    threshold_share: float
    """Share of the images held out to choose thresholds."""
    report_share: float
    """Share of the images held out for the reported figures."""


@dataclasses.dataclass(frozen=True)
class Shipping:
    """What the contract of an exported model says of its origin."""

    name: str
    """Name of the model, as in its file name."""
    licence: str
    training_data: str
    haar_crop: CropRule
    """Where the runtime cuts: the map from a detector's box to the canonical square."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training configuration."""

    network: Network
    crop: Crop
    augment: Augment
    fit: Fit
    shipping: Shipping

    def __post_init__(self) -> None:
        if self.fit.landmark_weight > 0 and not self.network.landmarks:
            raise ConfigError(
                "fit.landmark_weight must be 0 where network.landmarks is false, got "
                f"{self.fit.landmark_weight}"
            )
        held_out = self.fit.threshold_share + self.fit.report_share
        if not 0 < held_out < 1 or min(self.fit.threshold_share, self.fit.report_share) <= 0:
            raise ConfigError(
                "fit.threshold_share and fit.report_share must be positive and sum to less "
                f"than 1, got {self.fit.threshold_share} and {self.fit.report_share}"
            )
        if not 0 <= self.fit.dense_epochs <= self.fit.epochs:
            raise ConfigError(
                f"fit.dense_epochs must lie in [0, epochs = {self.fit.epochs}], "
                f"got {self.fit.dense_epochs}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values that a checkpoint can hold; `from_dict` reads them back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, payload: dict[str, Any], *, origin: str) -> Recipe:
        """Returns the recipe that plain values describe; `origin` names the file in errors.

        Raises:
            ConfigError: a key is missing or unknown, or a value has the wrong type.
        """
        try:
            return typing.cast(Recipe, _record(cls, payload, ""))
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from None


def read_recipe(path: Path) -> Recipe:
    """Returns the recipe of a TOML file.

    Raises:
        ConfigError: the file is missing, is not TOML, or does not hold a recipe.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: the recipe cannot be read ({error.strerror}); see train/recipes/"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the recipe is not TOML ({error})") from None
    return Recipe.from_dict(payload, origin=str(path))


def _record(kind: type, payload: Any, place: str) -> Any:
    if not isinstance(payload, dict):
        raise ConfigError(f"{place or 'recipe'} must be a table, got {type(payload).__name__}")
    hints = typing.get_type_hints(kind)
    for key in payload:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(hints)}"
            raise ConfigError(f"unknown key {place}{key}{hint}")
    missing = [key for key in hints if key not in payload and not hasattr(kind, key)]
    if missing:
        raise ConfigError(f"missing key {place}{missing[0]}")
    return kind(**{key: _value(payload[key], hints[key], place + key) for key in payload})


def _value(value: Any, hint: Any, place: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, value, place + ".")
    if typing.get_origin(hint) is tuple:
        inside = typing.get_args(hint)
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"{place} must be a list, got {type(value).__name__}")
        if inside[-1] is not Ellipsis and len(value) != len(inside):
            raise ConfigError(f"{place} must have {len(inside)} values, got {len(value)}")
        return tuple(_value(item, inside[0], place) for item in value)
    if typing.get_origin(hint) is Literal:
        allowed = typing.get_args(hint)
        if value not in allowed:
            raise ConfigError(f"{place} must be one of {', '.join(allowed)}, got {value!r}")
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{place} must be {hint.__name__}, got {type(value).__name__}")
    return value
