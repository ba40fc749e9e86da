"""The 68 landmarks of a face as dots: small, smooth-edged, with a halo so they show on any skin.

Called by compose.py where `--points` asks for them.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rtau.overlay.canvas import Canvas
from rtau.overlay.palette import INK, WHITE

# Fractional bits OpenCV takes: dots glide with the face instead of jumping by whole pixels.
_SHIFT = 4
# Radius of a dot over the landmarks' width, and its least and most, px.
_RADIUS_SHARE, _RADIUS_PX = 0.006, (0.75, 2.5)
_HALO_PX = 0.6


def draw_points(canvas: Canvas, points_xy: npt.NDArray[np.float32]) -> None:
    """Draws a face's landmarks in place; those outside the frame are left out.

    Args:
        canvas: to draw on.
        points_xy: float32 (K, 2), px, frame space.
    """
    radius = float(np.clip(np.ptp(points_xy[:, 0]) * _RADIUS_SHARE, *_RADIUS_PX))
    size = np.array([canvas.width, canvas.height])
    inside = ((points_xy >= 0) & (points_xy < size)).all(axis=1)
    for layer in canvas.layers:
        # OpenCV's pixel centres are integers, ours at .5.
        centres = np.round((points_xy[inside] / layer.step - 0.5) * (1 << _SHIFT)).astype(int)
        for colour, wide in ((INK, radius + _HALO_PX), (WHITE, radius)):
            value, size_px = layer.colour(colour), round(wide / layer.step * (1 << _SHIFT))
            for centre in centres.tolist():
                cv2.circle(layer.pixels, centre, size_px, value, -1, cv2.LINE_AA, _SHIFT)
