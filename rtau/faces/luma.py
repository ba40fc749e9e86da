"""Reads the brightness of a frame, whichever way its picture is stored: averaged, in parts.

All that looks for faces looks at this: the detector, the watch for changes, the patches that faces
are followed by. Cuts nothing for networks (`rtau.faces.crops` does).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Frame, Image, Planes

# Blueness and redness of grey.
NEUTRAL = 128


def averaged_grey(frame: Frame, part_xyxy: Sequence[int], /, *, factor: int = 1) -> Image:
    """Returns a part of a frame in grey, each pixel a mean: uint8 (rows, columns).

    Grey is Y' of ITU-R BT.601 for BGR pictures, and what the video itself holds for planes, both 0
    for black and 255 for white.

    Args:
        frame: that holds all of the part.
        part_xyxy: whole px, half-open; what does not fill a pixel at the right and the bottom is
            left out; what is smaller makes one.
        factor: how many pixels of the frame make one, either way.
    """
    x0, y0, x1, y1 = part_xyxy
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    planes = frame.planes
    image = frame.image_bgr if planes is None else planes.y
    part = image[y0 : min(y0 + rows * factor, y1), x0 : min(x0 + columns * factor, x1)]
    # OpenCV averages by two four times as fast as by other whole factors, and by these ten times
    # as fast as by broken ones (measured). By two once only: each time it rounds halves up.
    if factor % 2 == 0 and min(part.shape[:2]) >= factor:
        half = (part.shape[1] // 2, part.shape[0] // 2)
        part = np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA))
        factor //= 2
    if factor > 1:
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA))
    if planes is None:
        return np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return grey_from_y(part, planes)


def grey_from_y(y: Image, planes: Planes, /) -> Image:
    """Returns brightness of a picture in planes as grey, 0 for black and 255 for white.

    Args:
        y: uint8, any shape: values of the `y` plane.
        planes: the picture they are of.
    """
    table = _grey_table(*_gain_and_offset(planes))
    return y if table is None else np.asarray(cv2.LUT(y, table), dtype=np.uint8)


def _gain_and_offset(planes: Planes) -> tuple[float, float]:
    """Returns what grey is of brightness: a pixel without colour, whose R, G and B are equal."""
    y, u, v, one = planes.rgb_from_yuv[1].tolist()
    return y, NEUTRAL * (u + v) + one


@functools.lru_cache(maxsize=8)
def _grey_table(gain: float, offset: float) -> npt.NDArray[np.uint8] | None:
    """Returns uint8 (256,): grey by brightness; None where they are the same."""
    grey = np.clip(np.round(gain * np.arange(256) + offset), 0, 255).astype(np.uint8)
    return None if np.array_equal(grey, np.arange(256)) else grey
