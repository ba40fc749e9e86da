"""Reads regions of a frame as averaged grey, from BGR or from planes.

The input of detection, change detection and template matching. Network crops are cut by
`rtau.faces.crops`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Frame, Image, Planes

# U and V of grey.
NEUTRAL = 128


def averaged_grey(frame: Frame, part_xyxy: Sequence[int], /, *, factor: int = 1) -> Image:
    """Returns a region of a frame as grey means: uint8 (rows, columns).

    Grey is Y' of ITU-R BT.601 for BGR pictures and the video's own luma for planes, both 0 for
    black and 255 for white.

    Args:
        frame: the frame.
        part_xyxy: the region inside it, whole px, half-open. Remainders at the right and the bottom
            are left out; a region smaller than `factor` gives one pixel.
        factor: frame px per returned pixel, either way.
    """
    x0, y0, x1, y1 = part_xyxy
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    planes = frame.planes
    image = frame.image_bgr if planes is None else planes.y
    part = image[y0 : min(y0 + rows * factor, y1), x0 : min(x0 + columns * factor, x1)]
    # OpenCV averages by 2 four times as fast as by other whole factors, and by these ten times as
    # fast as by fractions (measured). By 2 once only: each time it rounds halves up.
    if factor % 2 == 0 and min(part.shape[:2]) >= factor:
        half = (part.shape[1] // 2, part.shape[0] // 2)
        part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA))
        factor //= 2
    if factor > 1:
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA))
    if planes is None:
        return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    table = _grey_from_y(*_gain_and_offset(planes))
    return part if table is None else np.asarray(cv2.LUT(part, table), dtype=np.uint8)


def _gain_and_offset(planes: Planes) -> tuple[float, float]:
    """Returns gain and offset from Y to grey, for a pixel whose R, G and B are equal."""
    y, u, v, one = planes.rgb_from_yuv[1].tolist()
    return y, NEUTRAL * (u + v) + one


@functools.lru_cache(maxsize=8)
def _grey_from_y(gain: float, offset: float) -> npt.NDArray[np.uint8] | None:
    """Returns uint8 (256,), the table from Y to grey; None for the identity."""
    grey = np.clip(np.round(gain * np.arange(256) + offset), 0, 255).astype(np.uint8)
    return None if np.array_equal(grey, np.arange(256)) else grey
