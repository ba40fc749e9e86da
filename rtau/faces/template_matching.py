"""Follows a face between looks by how it looked: where a small picture of it fits best.

Six times cheaper than a look of the detector, and steadier, but it would follow a wall as
well as a face: the face tracker asks it for a few frames at most, then the detector looks again.
Keeps nothing between calls.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Frame
from rtau.faces.luma import averaged_grey

# Side of a face in the small picture, px: averaged by a whole factor, so that or up to twice it.
SIDE_PX = 24
# Part of the box that is compared: what lies behind a face is at the box's edges.
INNER = 0.8
# Where it is searched, in sides of the box: a face may move by a quarter of itself in a frame.
REGION = 1.3
# Correlation from which on it is the same face in the same pose: below, the detector has to look.
ALIKE = 0.9


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A face as it looked when the detector last saw it."""

    grey: npt.NDArray[np.uint8]
    """uint8 (h, w): the inner part of its box, averaged."""
    corner_xy: npt.NDArray[np.float64]
    """float64 (2,), px in the frame: the upper left corner of `grey`."""
    box_xyxy: npt.NDArray[np.float32]
    """float32 (4,), px: where the detector saw the face."""
    factor: int
    """Pixels of the frame that a pixel of `grey` is wide and high."""


def taken(frame: Frame, box_xyxy: npt.NDArray[np.float32], /) -> Patch | None:
    """Returns what a face looks like; None where it is not wholly inside the frame or too small.

    A box that the frame's edge cuts would stay cut when the face moves in.

    Args:
        frame: that shows it.
        box_xyxy: float32 (4,), px: where it was seen.
    """
    x0, y0, x1, y1 = box_xyxy.tolist()
    if not (x0 > 0 and y0 > 0 and x1 < frame.width and y1 < frame.height):
        return None
    factor = max(int(_side(box_xyxy) // SIDE_PX), 1)
    grey, corner = _averaged(frame, box_xyxy, INNER, factor=factor, grid_xy=np.zeros(2))
    if min(grey.shape) < SIDE_PX * INNER / 2:
        return None
    return Patch(grey, corner, box_xyxy, factor)


def found_again(
    frame: Frame, patch: Patch, /, *, near_xyxy: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32] | None:
    """Returns the box moved with the face, float32 (4,), px; None where it does not look the same.

    The place of the highest normalised correlation, finer than a pixel by the parabola through it
    and its neighbours.

    Args:
        frame: a frame soon after the patch's.
        patch: the face.
        near_xyxy: float32 (4,), px: where it was in the frame before.
    """
    # On the grid of the patch: a face that stands still is averaged as it was.
    region, corner = _averaged(
        frame, near_xyxy, REGION, factor=patch.factor, grid_xy=patch.corner_xy
    )
    rows, columns = (have - want for have, want in zip(region.shape, patch.grey.shape, strict=True))
    if rows < 2 or columns < 2:
        return None
    fits = np.asarray(cv2.matchTemplate(region, patch.grey, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (x, y) = cv2.minMaxLoc(fits)
    if not (best >= ALIKE and 0 < x < columns and 0 < y < rows):
        return None
    place = np.array([x + _peak(fits[y, x - 1 : x + 2]), y + _peak(fits[y - 1 : y + 2, x])])
    shift = corner + place * patch.factor - patch.corner_xy
    moved = (patch.box_xyxy + np.tile(shift, 2)).astype(np.float32)
    inside = geometry.clip(moved[None], width=frame.width, height=frame.height)
    return np.asarray(inside[0], dtype=np.float32)


def _averaged(
    frame: Frame,
    box_xyxy: npt.NDArray[np.float32],
    sides: float,
    *,
    factor: int,
    grid_xy: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Returns the frame around a box's centre in grey, averaged, and its corner in the frame.

    The corner is a whole number of averaged pixels away from a point of the grid.
    """
    centre = (box_xyxy[:2] + box_xyxy[2:]).astype(np.float64) / 2
    half = sides * _side(box_xyxy) / 2
    low = np.maximum(np.floor(centre - half), grid_xy % factor)
    left, top = (low - (low - grid_xy) % factor).astype(int).tolist()
    right, bottom = np.ceil(centre + half).astype(int).tolist()
    right, bottom = min(right, frame.width), min(bottom, frame.height)
    corner = np.array([left, top], np.float64)
    if min(right - left, bottom - top) < factor:
        return np.zeros((0, 0), np.uint8), corner
    return averaged_grey(frame, (left, top, right, bottom), factor=factor), corner


def _side(box_xyxy: npt.NDArray[np.float32]) -> float:
    x0, y0, x1, y1 = box_xyxy.tolist()  # a mean of two numbers by NumPy takes 25 us
    return float(x1 - x0 + y1 - y0) / 2


def _peak(three: npt.NDArray[np.float32]) -> float:
    """Returns where the parabola through three values at -1, 0 and 1 is highest, from -.5 to .5."""
    before, here, after = three.ravel().tolist()
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(min(max((before - after) / (2 * bend), -0.5), 0.5))
