"""What one training configuration file holds: frozen, typed, read once from TOML.

A recipe names the network, the crop geometry and every number of a run; nothing is inherited
from another recipe. Knows neither torch nor pixels; read by every other module of this package.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rtau.contract import CropRule
from rtau.data import Task
from rtau.errors import ConfigError
from rtau.facs import au_from_label
from rtau.strict_parser import StrictParser
from rtau_train.fit_settings import DENSE_BELOW_PX, HAVE_DENSE_FORM, Fit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PoolingKind = Literal["average", "max"]
Weights = Literal["none", "imagenet"]
Unfreeze = Literal["all", "last_block"]
Protocol = Literal["image", "subject", "given"]


@dataclasses.dataclass(frozen=True)
class Network:
    """The network and what it takes."""

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
    geometry: bool = False
    """Whether a linear layer on the predicted landmarks adds to the logits."""
    sides: tuple[str, ...] = ()
    """Labels whose left and right may be told; `rtau-train probe` measures which are."""
    pose: bool = False
    """Whether a linear layer tells pitch and yaw; `rtau-train probe` fits it."""

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
        if self.geometry and not self.landmarks:
            raise ConfigError("network.geometry must be false where network.landmarks is false")
        unknown = sorted(set(self.sides) - set(self.labels))
        if unknown:
            raise ConfigError(f"network.sides must be among network.labels, got {unknown[0]!r}")
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
    aligned: bool = False
    """Whether pictures are cut as the runtime cuts them: by `shipping.haar_crop` on the square that
    the points put on the face, turned with the head. The square above then only describes where
    the landmarks lie."""


@dataclasses.dataclass(frozen=True)
class Inner:
    """The canonical square inside a picture that was cut wider than it, without landmarks."""

    side: float
    """Side of the square over the picture's."""
    centre_x: float
    """Of the square, in the picture's sides from its left."""
    centre_y: float
    """Of the square, in the picture's sides from its top."""


@dataclasses.dataclass(frozen=True)
class Aligned:
    """The runtime's crop: a rule on the square that the points put on a face, turned with it."""

    rule: CropRule


@dataclasses.dataclass(frozen=True)
class Mix:
    """How much of every epoch comes from one of several data sets, whatever its count."""

    dataset: str
    """Its name in prepared.json."""
    share: float
    """Of the pictures of an epoch; they are repeated, each time changed by chance, to reach it."""
    trust: dict[str, float] = dataclasses.field(default_factory=dict)
    """How often a label of it is used, where it is trusted less than others: `{AU04 = 0.3}`."""

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ConfigError(f"mix.share must lie between 0 and 1, got {self.share}")
        for label, share in self.trust.items():
            if not 0 <= share <= 1:
                raise ConfigError(f"mix.trust must lie in [0, 1], got {share} for {label}")


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
class SplitPlan:
    """How the rows are parted into training, validation and test."""

    protocol: Protocol
    """image: rows at random, as the first paper did, so that one person may be in every part;
    subject: no person in two parts; given: the data set's own split."""
    validation: float = 0.1
    """Share that chooses thresholds and watches training; `given` takes it from the training part
    where the data have no validation part."""
    test: float = 0.2
    """Share that reports; with folds, one fold is."""
    seed: int = 0
    folds: int = 0
    """Parts of a cross-validation; 0 for a single split by the shares."""
    fold: int = 0
    """Which fold is the test part, from 0."""
    train_rows: int = 0
    """Rows of the training part that are kept, drawn by the seed so that fewer are among more; 0:
    all."""
    train_only: tuple[str, ...] = ()
    """Data sets whose rows are all trained on: what an earlier network has seen, for example."""

    def __post_init__(self) -> None:
        if min(self.validation, self.test) <= 0 or self.validation + self.test >= 1:
            raise ConfigError(
                "split.validation and split.test must be positive and sum to less than 1, got "
                f"{self.validation} and {self.test}"
            )
        if self.folds == 1 or not 0 <= self.fold < max(self.folds, 1):
            raise ConfigError(
                f"split.folds must be 0 or at least 2 with split.fold below it, got "
                f"{self.folds} and {self.fold}"
            )
        if self.train_rows < 0:
            raise ConfigError(f"split.train_rows must be 0 or more, got {self.train_rows}")


@dataclasses.dataclass(frozen=True)
class Oversample:
    """Artificial images of rare labels, as the first paper's Table 5 counts them."""

    labels: tuple[str, ...]
    """Every picture that shows the first gets copies, then every one that shows the next."""
    copies: int
    """Artificial images per picture."""
    before_split: bool
    """True, the paper's way: copies of one picture end up in all parts. False: only what is
    trained on gets copies."""

    def __post_init__(self) -> None:
        if self.copies < 1 or not self.labels:
            raise ConfigError(
                "oversample needs labels and at least one copy, got "
                f"{list(self.labels)} and {self.copies}"
            )


@dataclasses.dataclass(frozen=True)
class Shipping:
    """What the contract of an exported model says of its origin."""

    name: str
    """Name of the model, as in its file name."""
    licence: str
    training_data: str
    haar_crop: CropRule
    """Where the runtime cuts: the map from a detector's box to the canonical square."""
    datasets: tuple[str, ...] = ()
    """Data that `licence` and `training_data` are about, as prepared.json names them; empty: any.
    The contract of a network trained on others does not repeat their words."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One training configuration."""

    network: Network
    split: SplitPlan
    augment: Augment
    fit: Fit
    shipping: Shipping
    crop: Crop | None = None
    """Laid on the landmarks; None takes each picture whole, as `rtau-train prepare` cut it."""
    oversample: Oversample | None = None
    mix: tuple[Mix, ...] = ()
    """Data sets with a share of their own; the others share what is left by their counts."""

    def __post_init__(self) -> None:
        network, fit = self.network, self.fit
        self._check_form()
        if fit.landmark_weight > 0 and not network.landmarks:
            raise ConfigError(
                "fit.landmark_weight must be 0 where network.landmarks is false, got "
                f"{fit.landmark_weight}"
            )
        if network.task == "multi_class" and fit.loss != "cross_entropy":
            raise ConfigError(
                f"fit.loss must be cross_entropy where network.task is multi_class, got {fit.loss}"
            )
        if sum(mix.share for mix in self.mix) >= 1:
            raise ConfigError(
                "the shares of [[mix]] must sum to less than 1, got "
                f"{sum(mix.share for mix in self.mix):g}"
            )
        for mix in self.mix:
            for label in mix.trust:
                if label not in network.labels:
                    raise ConfigError(f"mix.trust must name labels of the network, got {label!r}")
        unknown = set(self.oversample.labels if self.oversample else ()) - set(network.labels)
        if unknown:
            raise ConfigError(
                f"oversample.labels must be among network.labels, got {sorted(unknown)[0]!r}"
            )

    def _check_form(self) -> None:
        """Raises ConfigError where the dense form is to be trained and there is none."""
        network, epochs = self.network, self.fit.dense_epochs
        if epochs == 0 or self.has_dense_form:
            return
        if network.name in HAVE_DENSE_FORM:
            reason = f"crops of {network.input_size} px give 7x7 cells as it is"
        else:
            reason = f"only {', '.join(HAVE_DENSE_FORM)} have a dense form"
        raise ConfigError(
            f"fit.dense_epochs must be 0 for {network.name} at network.input_size = "
            f"{network.input_size}, got {epochs}: {reason}"
        )

    @property
    def has_dense_form(self) -> bool:
        """True where the network has two forms on crops of this size."""
        network = self.network
        return network.name in HAVE_DENSE_FORM and network.input_size < DENSE_BELOW_PX

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
            return StrictParser().parse(cls, payload)
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from None


def read_recipe(path: Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Returns the recipe of a TOML file.

    Args:
        path: the file.
        overrides: `table.key=value` each; the value is TOML, or a bare word for a string.

    Raises:
        ConfigError: the file is missing, is not TOML, or does not hold a recipe; or an override is
            not of that form.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"{path}: the recipe cannot be read ({error.strerror}); see train/recipes/"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: the recipe is not TOML ({error})") from None
    for override in overrides:
        _override(payload, override)
    return Recipe.from_dict(payload, origin=str(path))


def _override(payload: dict[str, Any], text: str) -> None:
    """Puts one `table.key=value` into a recipe's plain values."""
    place, equals, value = (part.strip() for part in text.partition("="))
    *tables, key = place.split(".")
    if not equals or not value or not tables or not all((*tables, key)):
        raise ConfigError(f"--set must be TABLE.KEY=VALUE, as in fit.epochs=3, got {text!r}")
    table = payload
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {text}: {name} is not a table of the recipe")
    try:
        table[key] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[key] = value
