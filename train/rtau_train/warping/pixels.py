"""Moves the pixels of a picture with the points of its face, piecewise linearly.

Between the points moves are linear in triangles; a ring around the face and the picture's border
stand still, so nothing but the face moves. Knows no Action Unit. Called by `pairs.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import Delaunay

from rtau.data import Image

Floats = npt.NDArray[np.float64]
Field = npt.NDArray[np.float32]

# MediaPipe's outline of the face.
# fmt: off
_OUTLINE: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
# Radius of the ring that stands still, over the outline's.
_RING: Final = 1.28
_BORDER_POINTS: Final = 5
# Triangles are looked up at every second pixel; moves are smooth.
_EVERY: Final = 2
# A move is the one where the pixel came from: found in so many rounds.
_ROUNDS: Final = 4
# Softens the edges between triangles, in distances of the eyes.
_SOFT: Final = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """The triangles over one face and its picture, looked up at every second pixel."""

    corners: npt.NDArray[np.int64]
    """int64 (s, s, 3): which points surround a place; of the face, then of the ring and border."""
    shares: Field
    """float32 (s, s, 3): how much of each."""
    still: int
    """Points of the ring and the border."""
    size: int
    """Side of the picture, px."""
    eyes_px: float
    """Distance of the eyes."""


def grid(points_xy: Floats, /, *, size: int, eyes_px: float) -> Grid:
    """Returns the triangles of a face whose points (478, 2), px, lie in a square picture."""
    middle = points_xy[list(_OUTLINE)].mean(axis=0)
    ring = middle + (points_xy[list(_OUTLINE)] - middle) * _RING
    step = np.linspace(0, size, _BORDER_POINTS)
    border = [(x, y) for x in step for y in step if {float(x), float(y)} & {0.0, float(size)}]
    places = np.concatenate([points_xy, ring, np.array(border)])
    triangles = Delaunay(places)
    centres = (np.arange(size // _EVERY) + 0.5) * _EVERY
    at = np.stack(np.meshgrid(centres, centres), axis=2).reshape(-1, 2)
    found = triangles.find_simplex(at)
    maps = triangles.transform[found]
    first = np.einsum("nij,nj->ni", maps[:, :2], at - maps[:, 2])
    shares = np.column_stack([first, 1 - first.sum(axis=1)])
    shape = (len(centres), len(centres), 3)
    return Grid(
        corners=triangles.simplices[found].astype(np.int64).reshape(shape),
        shares=np.where(found[:, None] >= 0, shares, 0).astype(np.float32).reshape(shape),
        still=len(places) - len(points_xy),
        size=size,
        eyes_px=eyes_px,
    )


def spread(values: Floats, on: Grid, /, *, outside: float = 0.0) -> Field:
    """Returns values (478, C) of the points at every pixel: float32 (S, S, C).

    Linear in every triangle; `outside` at the ring and the border.
    """
    still = np.full((on.still, values.shape[1]), outside)
    every = np.concatenate([values, still]).astype(np.float32)
    coarse = np.einsum("yxk,yxkc->yxc", on.shares, every[on.corners])
    fine = cv2.resize(coarse, (on.size, on.size), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine.reshape(on.size, on.size, -1), np.float32)


def warped(image: Image, moves_xy: Floats, on: Grid, /) -> Image:
    """Returns the picture with its points moved by (478, 2) px: uint8 (S, S, 3)."""
    return resampled(image, spread(moves_xy, on), soft_px=_SOFT * on.eyes_px)


def resampled(image: Image, move: Field, /, *, soft_px: float = 0.0) -> Image:
    """Returns a picture whose pixels went by `move`: float32 (S, S, 2), px."""
    if soft_px > 0:
        move = np.asarray(cv2.GaussianBlur(move, (0, 0), soft_px), np.float32)
    size = len(image)
    there = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=2).astype(np.float32)
    came = there.copy()
    for _ in range(_ROUNDS):
        step = cv2.remap(
            move, came[..., 0], came[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        came = there - step
    moved = cv2.remap(
        image, came[..., 0], came[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)
