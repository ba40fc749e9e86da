"""The settings of a fit: `train/recipes/face-occlusion.toml` as frozen records.

Parsed once, every value checked; nothing else reads the file. Called by `command.py`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rtau_train.face_alignment.recipe import read_toml


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
    scenes: int
    """Drawn scenes: backgrounds, and surfaces of things."""
    every_sheet: int
    """One in so many sheets of synthetic portraits is held out, as for the alignment network."""
    every_photograph: int
    """The same of photographs."""
    dark_glasses: tuple[str, ...]
    """Names of portraits and photographs of people with dark glasses: only to report on."""
    masks_and_hands: tuple[str, ...]
    """The same of faces behind a mask, a hand or a camera."""
    left_out: tuple[str, ...]
    """Names of those that are neither free nor covered for sure."""
    unseen_kind: str
    """Kind of cover that is never drawn in the fit."""
    pictures: int
    """Drawn for the fit."""
    flaws: int
    """Times each falls through other flaws of cameras."""
    covered_share: float
    """Of the pictures."""
    portrait_share: float
    """Of the pictures that show portraits and photographs; the others are renders."""
    held_out_faces: int
    """Of each held-out set at most, for each kind of cover."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """How the branch learns."""

    seed: int
    epochs: int
    batch: int
    max_lr: float
    warm_up: float
    """Share of the steps over which the rate rises."""
    weight_decay: float
    cells_weight: float
    """Of where the face is hidden, against whether it is."""
    smoothing: float
    """What labels are drawn towards a half by."""
    false_alarms: float
    """Share of free faces that may be flagged; the limit follows from it."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything a fit is decided by."""

    channels: tuple[int, ...]
    """Of the branch: of the maps it makes of the middle of the network, of the maps it mixes
    them to, of the last maps, and units before the output."""
    data: Data
    fit: Fit


def read_recipe(path: Path, /) -> Recipe:
    """Returns the recipe of a TOML file.

    Raises:
        ConfigError: as `read_toml`.
    """
    return read_toml(Recipe, path)
