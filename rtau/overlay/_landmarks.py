"""Draws the 68 landmarks of a face as small antialiased dots with a dark outline (`--points`)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rtau.overlay.canvas import Canvas
from rtau.overlay.palette import INK, WHITE

# Fractional bits of OpenCV's coordinates: dots follow the face in steps of 1/16 px.
_SHIFT = 4
# A dot's radius relative to the landmarks' width, and its range, px.
_RADIUS_SHARE, _RADIUS_PX = 0.006, (0.75, 2.5)
_OUTLINE_PX = 0.6
# The points of a brow and of its eye, and how far on the way to the eye's centre the brow's hair
# is: the median of 77 portraits. Networks that learnt from our renders put the points on the ridge
# above it, where the renders' own points are.
_BROWS = ((slice(17, 22), slice(36, 42)), (slice(22, 27), slice(42, 48)))
_BROW_DROP = 0.38


def on_brows(points_xy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns landmarks (68, 2) with those of the brows moved down onto their hair."""
    moved: npt.NDArray[np.float32] = points_xy.copy()
    for brow, eye in _BROWS:
        moved[brow] += _BROW_DROP * (points_xy[eye].mean(axis=0) - points_xy[brow].mean(axis=0))
    return moved


def draw_landmarks(canvas: Canvas, points_xy: npt.NDArray[np.float32]) -> None:
    """Draws a face's landmarks in place, without those outside the frame.

    Args:
        canvas: the picture.
        points_xy: float32 (68, 2), px, frame space.
    """
    points_xy = on_brows(points_xy)
    radius = float(np.clip(np.ptp(points_xy[:, 0]) * _RADIUS_SHARE, *_RADIUS_PX))
    size = np.array([canvas.width, canvas.height])
    inside = ((points_xy >= 0) & (points_xy < size)).all(axis=1)
    for layer in canvas.layers:
        # OpenCV's pixel centres are integers, ours at .5.
        centres = np.round((points_xy[inside] / layer.step - 0.5) * (1 << _SHIFT)).astype(int)
        for colour, wide in ((INK, radius + _OUTLINE_PX), (WHITE, radius)):
            value, size_px = layer.colour(colour), round(wide / layer.step * (1 << _SHIFT))
            for centre in centres.tolist():
                cv2.circle(layer.pixels, centre, size_px, value, -1, cv2.LINE_AA, _SHIFT)
