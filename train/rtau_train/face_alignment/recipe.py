"""The settings of a fit: `train/recipes/face-align.toml` as frozen records.

Parsed once, every value checked; nothing else reads the file. Called by `command.py`.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TypeVar

from rtau.errors import ConfigError
from rtau.strict_parser import StrictParser

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Network:
    """The shape of the network."""

    channels: tuple[int, ...]
    """Of the six convolutions."""
    hidden: int
    """Units before the outputs."""
    expand: float
    """Side of a crop over the side of its face square."""


@dataclasses.dataclass(frozen=True)
class Data:
    """How much of everything is made and held out."""

    seed: int
    heads: int
    """Rendered heads."""
    held_out_heads: int
    """Of them, the last ones, which nothing is learnt from."""
    rendered_crops: int
    """First rows of the rendered crops."""
    held_out_crops: int
    """Last rows of the rendered crops."""
    scenes: int
    """Drawn scenes."""
    held_out_scenes: int
    """Scenes of another seed."""
    pasted: int
    """Scenes with one head."""
    every_sheet: int
    """One in so many sheets of synthetic portraits is held out."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """How the network learns."""

    seed: int
    cycles: int
    """How often the rate rises and falls; each cycle begins with other examples."""
    examples: int
    """Seen in a cycle, repeats included."""
    batch: int
    pool: int
    """Examples kept at a time."""
    uses: float
    """How often an example is seen on average."""
    max_lr: float
    """Of the first cycle."""
    later_lr: float
    """Highest rate of a cycle over that of the cycle before."""
    warm_up: float
    """Share of the steps over which the rate rises."""
    weight_decay: float
    presence_weight: float
    points_weight: float
    square_weight: float
    """Of the error of centre, side and roll that follow from the points."""
    near_share: float
    """Of what is no face: places beside faces and parts of them."""
    mined_share: float
    """Of what is no face: what Haar proposed or the network liked."""
    minings: tuple[float, ...]
    """Shares of a cycle after which the network searches the scenes."""
    searched_scenes: int
    """Scenes that Haar searches for false proposals in each cycle."""
    mined_windows: int
    """Windows looked at in each search."""
    mined_presence: float
    """From this presence on, a window without a face is learnt again."""


@dataclasses.dataclass(frozen=True)
class Shipping:
    """What the contract says."""

    name: str
    licence: str
    training_data: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything a fit is decided by."""

    network: Network
    data: Data
    fit: Fit
    shipping: Shipping


def read_recipe(path: Path, /) -> Recipe:
    """Returns the recipe of a TOML file.

    Raises:
        ConfigError: as `read_toml`.
    """
    return read_toml(Recipe, path)


def read_toml(kind: type[Record], path: Path, /) -> Record:
    """Returns the record that a TOML file holds.

    Args:
        kind: the record, a dataclass.
        path: the file.

    Raises:
        ConfigError: no TOML, or a key is missing, unknown or of the wrong type.
    """
    try:
        payload = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not TOML ({error})") from None
    try:
        return StrictParser().parse(kind, payload)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
