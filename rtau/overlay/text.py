"""Antialiased lines of text as alpha maps, from OpenCV's stroke font drawn large and shrunk.

At their final size the strokes would have widths of whole pixels and look uneven. Lines are cached:
a view draws the same words in every frame.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from rtau.data import Image

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Height of a capital in the font at scale 1, px, between the centre lines of its strokes.
_CAPITAL_PX = 21
# Depth of a descender below the baseline relative to the height of a capital, stroke included.
_DESCENDER = 0.37
# Supersampling of small and of large capitals; large ones need less.
_OVER, _OVER_LARGE, _LARGE_PX = 8, 4, 20
# The font is wide: narrowed to this, more words fit and all stay legible.
_NARROW = 0.9
# Stroke width relative to the height of a capital.
_REGULAR, _BOLD = 0.135, 0.185


def line_height(cap_px: int) -> int:
    """Returns the height of a line with capitals of `cap_px`, px: the capitals are centred."""
    return cap_px + 2 * _margin(cap_px)


@functools.lru_cache(maxsize=4096)
def strip(text: str, cap_px: int, *, bold: bool = False) -> Image:
    """Returns the alpha of one line of text: uint8 (line_height, w), read-only, 0 to 255.

    Capitals are `cap_px` high and vertically centred. The font has ASCII only: other characters
    become `?`.
    """
    plain = text.encode("ascii", "replace").decode("ascii")
    weight = _BOLD if bold else _REGULAR
    over = _OVER if cap_px < _LARGE_PX else _OVER_LARGE
    thickness = max(over, round(weight * cap_px * over))
    scale = (cap_px * over - thickness) / _CAPITAL_PX
    (width, _), _ = cv2.getTextSize(plain, _FONT, scale, thickness)
    canvas = np.zeros((line_height(cap_px) * over, width + 2 * thickness), np.uint8)
    baseline = (_margin(cap_px) + cap_px) * over - thickness // 2
    cv2.putText(canvas, plain, (thickness, baseline), _FONT, scale, 255, thickness, cv2.LINE_AA)
    columns = np.flatnonzero(canvas.any(axis=0))
    inked = canvas[:, columns[0] : columns[-1] + 1] if len(columns) else canvas[:, :over]
    size = (max(1, round(inked.shape[1] / over * _NARROW)), line_height(cap_px))
    alpha = np.asarray(cv2.resize(inked, size, interpolation=cv2.INTER_AREA), np.uint8)
    alpha.flags.writeable = False
    return alpha


def width_px(text: str, cap_px: int, *, bold: bool = False) -> int:
    """Returns the width of a line of text, px."""
    return int(strip(text, cap_px, bold=bold).shape[1])


def _margin(cap_px: int) -> int:
    return math.ceil(cap_px * _DESCENDER)
