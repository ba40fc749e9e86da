"""The planes of a decoded frame as they are, where nothing but the colours would be converted.

Knows the common 8-bit formats with quarter-size colour planes, and the two matrices nearly all
video is coded with; any other frame is for swscale. Called by `pictures.py` for every frame.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rtau.data import Image, Planes

# FFmpeg's names of planar 4:2:0 in 8 bits; the second is full range by definition.
LIMITED_OR_TAGGED, FULL = "yuv420p", "yuvj420p"
# AVCOL_RANGE_JPEG: black is 0 and white 255, where video has 16 and 235.
FULL_RANGE = 2
# Shares of red and of blue in brightness by matrix tag (ITU-T H.273): BT.709, and BT.601 twice.
SHARES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}


def planes_of(frame: Any, *, matrix: int, convert: Callable[[], Image]) -> Planes | None:
    """Returns a frame's planes, on the decoder's own memory; None for other formats.

    Args:
        frame: a decoded `av.VideoFrame`.
        matrix: tag of the colour matrix, never "unspecified".
        convert: makes the BGR picture of this frame.
    """
    if frame.format.name not in (LIMITED_OR_TAGGED, FULL) or matrix not in SHARES:
        return None
    full = frame.format.name == FULL or frame.color_range == FULL_RANGE
    y, u, v = (_plane(one) for one in frame.planes)
    return Planes(y=y, u=u, v=v, rgb_from_yuv=_rgb_from_yuv(matrix, full=full), convert=convert)


def _plane(plane: Any) -> Image:
    """Returns a plane without the padding of its rows: uint8 (h, w)."""
    shape, strides = (plane.height, plane.width), (plane.line_size, 1)
    stored: Image = np.ndarray(shape, np.uint8, plane, strides=strides)
    return stored


@functools.lru_cache(maxsize=8)
def _rgb_from_yuv(matrix: int, *, full: bool) -> npt.NDArray[np.float32]:
    """Returns float32 (3, 4): RGB of (y, u, v, 1) (ITU-R BT.601-7, section 2.5; BT.709-6, item 3).

    Red is y + 2 (1 - red's share) v, blue the same with its own, and brightness is the sum of
    all three by their shares; video's range spreads 16 to 235, and 16 to 240 around 128 for u, v.
    """
    red, blue = SHARES[matrix]
    green = 1 - red - blue
    black, white, swing = (0.0, 255.0, 255.0) if full else (16.0, 235.0, 224.0)
    y = np.array([1, 0, 0, -black]) / (white - black)
    u = np.array([0, 1, 0, -128]) / swing * 2 * (1 - blue)  # blue less brightness
    v = np.array([0, 0, 1, -128]) / swing * 2 * (1 - red)  # red less brightness
    g = y - (red * v + blue * u) / green
    rgb_from_yuv = np.asarray(255 * np.stack([y + v, g, y + u]), dtype=np.float32)
    rgb_from_yuv.setflags(write=False)
    return rgb_from_yuv
