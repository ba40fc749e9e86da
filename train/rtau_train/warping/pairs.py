"""Samples what is done to a face, and does it: Action Units of known strength, or nothing.

A pair that shows no action still bears every trace of the work: resampled, bent at random, or with
strokes that no action makes. A network that learnt the traces would fire there. Called by
`folder.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau_train.warping import folds, pixels
from rtau_train.warping.displacement import SIDED, Displacements
from rtau_train.warping.faces import BaseFace, written

Floats = npt.NDArray[np.float64]
Kind = Literal["au", "identity", "elastic", "strokes"]

KINDS: Final[Mapping[Kind, float]] = {"au": 0.8, "identity": 0.05, "elastic": 0.08, "strokes": 0.07}
# How many actions a face shows at once.
_COUNTS: Final = {1: 0.6, 2: 0.27, 3: 0.13}
# Actions that pull the same skin in opposite ways.
_OPPOSED: Final = (
    *({12, 15}, {12, 20}, {12, 17}, {15, 20}, {5, 6}, {5, 9}, {6, 9}),
    *({7, 5}, {7, 9}),
    *({23, 12}, {23, 20}, {23, 24}, {24, 12}, {24, 20}, {14, 15}, {14, 20}),
)
_WEAK_SHARE: Final = 0.25
_WEAK: Final = (0.5, 2.0)
_STRONG: Final = (2.0, 5.0)
_ONE_SIDED_SHARE: Final = 0.25
_UNEVEN_SHARE: Final = 0.1
_FOLDLESS_SHARE: Final = 0.3
_FOLD_GAIN: Final = (0.25, 1.6)
_BLURRED_SHARE: Final = 0.5
_BLUR_PX: Final = (0.3, 1.0)
# Random bends, in distances of the eyes: how far, and over which length.
_BEND: Final = (0.006, 0.02)
_BEND_LENGTH: Final = (0.25, 0.6)


@dataclasses.dataclass(frozen=True)
class Change:
    """What is done to a face."""

    kind: Kind
    left: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """AU -> intensity 0-5 of the person's left side."""
    right: Mapping[int, float] = dataclasses.field(default_factory=dict)
    """The same of the right side."""
    fold_gain: float = 0.0
    """How deep the skin folds; 0: not at all."""


@dataclasses.dataclass(frozen=True, eq=False)
class Made:
    """A changed face."""

    image: Image
    """uint8 (S, S, 3), BGR, as it is written."""
    points_xy: Floats
    """float64 (478, 2), px in it."""


def sampled_change(face: BaseFace, rng: np.random.Generator, /) -> Change:
    """Returns what is done to a face, of what may be moved in it."""
    kind: Kind = rng.choice(list(KINDS), p=list(KINDS.values()))
    free = face.movable
    gain = 0.0 if rng.random() < _FOLDLESS_SHARE else float(rng.uniform(*_FOLD_GAIN))
    if kind == "strokes":
        return Change("strokes", fold_gain=max(gain, _FOLD_GAIN[0]))
    if kind != "au" or not free:
        return Change("identity" if kind == "au" else kind)
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    count = int(rng.choice(list(_COUNTS), p=list(_COUNTS.values())))
    for au in rng.permutation(free).tolist():
        if len(left) < count and not any({au, other} in _OPPOSED for other in left):
            left[au], right[au] = _sides(au, rng)
    return Change("au", left, right, gain)


def changed(
    face: BaseFace, change: Change, /, *, by: Displacements, rng: np.random.Generator
) -> Made:
    """Returns the face as a change makes it, then perhaps blurred."""
    image, moves = face.image, np.zeros_like(face.points_xy)
    shade = None
    if change.kind == "strokes":
        shade = folds.sampled_age_shade(rng, gain=change.fold_gain)
    elif change.fold_gain > 0:
        shade = folds.sampled_shade(change.left, change.right, rng, gain=change.fold_gain)
    if shade is not None:
        image = folds.shaded(image, shade, places_cm=by.places_cm, on=face.grid)
    if change.kind == "elastic":
        field = _bend(face, rng)
        columns, rows = np.clip(face.points_xy, 0, face.grid.size - 1).astype(int).T
        moves = field[rows, columns].astype(np.float64)
        image = pixels.resampled(image, field)
    else:
        moves = face.moves_px(by.moves(change.left, change.right))
        image = pixels.warped(image, moves, face.grid)
    return finished(image, face.points_xy + moves, rng)


def finished(image: Image, points_xy: Floats, rng: np.random.Generator, /) -> Made:
    """Returns a picture and its points at the side they are written with, perhaps blurred."""
    small = written(image)
    if rng.random() < _BLURRED_SHARE:
        small = np.asarray(cv2.GaussianBlur(small, (0, 0), rng.uniform(*_BLUR_PX)), np.uint8)
    return Made(small, points_xy * (len(small) / len(image)))


def _sides(au: int, rng: np.random.Generator) -> tuple[float, float]:
    """Returns how strongly an action shows on the left and on the right side, 0-5."""
    strong = rng.random() >= _WEAK_SHARE
    intensity = float(rng.uniform(*(_STRONG if strong else _WEAK)))
    other = intensity
    if au in SIDED:
        uneven = rng.random()
        if uneven < _ONE_SIDED_SHARE:
            other = 0.0
        elif uneven < _ONE_SIDED_SHARE + _UNEVEN_SHARE:
            other = float(rng.uniform(0.3, 0.8)) * intensity
    return (intensity, other) if rng.random() < 0.5 else (other, intensity)


def _bend(face: BaseFace, rng: np.random.Generator) -> pixels.Field:
    """Returns smooth random moves of the face that show no action: float32 (S, S, 2), px."""
    length = rng.uniform(*_BEND_LENGTH) * face.eyes_px
    noise = rng.standard_normal((face.grid.size, face.grid.size, 2)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), length), np.float32)
    smooth *= rng.uniform(*_BEND) * face.eyes_px / smooth.std()
    # 1 on the face, falling to 0 at the ring.
    return np.asarray(smooth * pixels.spread(np.ones((478, 1)), face.grid), np.float32)
