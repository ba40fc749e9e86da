"""What is done to held-out renders to see what a model stands: blur, dark, JPEG, few pixels, grey.

The same changes for every picture, without chance. Called by the figures of the renders.
"""

from __future__ import annotations

import functools
from typing import Final

import cv2
import numpy as np

from rtau.data import Image
from rtau_train.card.scoring import UNCHANGED, Change, unchanged

# Beyond the strongest blur of training, 1.6 px of 112.
BLUR_SIDES: Final = 0.02
DARK: Final = 0.3
JPEG_QUALITY: Final = 20
SMALL_SIDES_PX: Final = (64, 32)


def changes(size_px: int, /) -> dict[str, Change]:
    """Returns what is done to crops of some side, by name; the first one leaves them as they are.

    A side that crops of this size do not exceed is left out.
    """
    shrunk: dict[str, Change] = {
        f"shrunk to a crop of {side} px": functools.partial(_shrunk, side_px=side)
        for side in SMALL_SIDES_PX
        if side < size_px
    }
    return {
        UNCHANGED: unchanged,
        f"Gaussian blur, sigma {BLUR_SIDES:.0%} of the crop": _blurred,
        f"darkened to {DARK:.0%} of the pixel values": _darkened,
        f"JPEG, quality {JPEG_QUALITY}": _compressed,
        **shrunk,
        "without colour": _grey,
    }


def _blurred(crop: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), BLUR_SIDES * len(crop)), np.uint8)


def _darkened(crop: Image) -> Image:
    return np.asarray(np.round(crop * np.float32(DARK)), np.uint8)


def _compressed(crop: Image) -> Image:
    done, coded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done, "an RGB crop can always be coded"
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def _shrunk(crop: Image, *, side_px: int) -> Image:
    """Returns the crop as the runtime cuts it of a face whose square is only so many px wide."""
    size = len(crop)
    small = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _grey(crop: Image) -> Image:
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
