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


def draw_landmarks(canvas: Canvas, points_xy: npt.NDArray[np.float32]) -> None:
    """Draws a face's landmarks in place, without those outside the frame.

    Args:
        canvas: the picture.
        points_xy: float32 (K, 2), px, frame space.
    """
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
