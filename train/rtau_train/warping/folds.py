"""Draws the folds of moving skin onto a picture: dark strokes in valleys, light ones beside them.

The folds are the renderer's own height maps, laid on the face by its points and lit from above.
Called by `pairs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau_train.synth.shapes import strength
from rtau_train.synth.wrinkles import X_CM, height_map, relief, to_map
from rtau_train.warping.pixels import Field, Grid, spread

Floats = npt.NDArray[np.float64]

# What the light from above and the depth of a valley do to the skin's brightness.
_SLOPE_GAIN: Final = 0.30
_DEPTH_GAIN: Final = 1.6
_DARKEST: Final = -0.4
_LIGHTEST: Final = 0.25
# Within this distance of the middle both sides' folds fade into each other.
_SEAM_CM: Final = 1.0
_AGE: Final = ("age_forehead", "age_eyes", "age_frown", "age_mouth")
_ACTIONS: Final = (1, 2, 4, 6, 7, 9, 12, 14, 15, 17, 20)


def sampled_shade(
    left: Mapping[int, float],
    right: Mapping[int, float],
    rng: np.random.Generator,
    /,
    *,
    gain: float,
) -> Field:
    """Returns the change of brightness that AUs' folds make: float32 (384, 320), on the map.

    Args:
        left: AU -> intensity 0-5 of the face's left side.
        right: of its right side.
        rng: draws the folds.
        gain: how deep this skin folds, about 1.
    """
    seed = int(rng.integers(2**32))
    halves = []
    for intensities in (left, right):
        gains = {
            f"au{au}": gain * strength(value) for au, value in intensities.items() if au in _ACTIONS
        }
        # The same drawing on both sides, so that equal sides fit together.
        halves.append(_shade(height_map(gains, np.random.default_rng(seed))))
    columns = np.arange(halves[0].shape[1])
    x_cm = X_CM[0] + (columns + 0.5) * (X_CM[1] - X_CM[0]) / halves[0].shape[1]
    is_left = np.clip(x_cm / _SEAM_CM + 0.5, 0, 1)
    return np.asarray(halves[0] * is_left + halves[1] * (1 - is_left), np.float32)


def sampled_age_shade(rng: np.random.Generator, /, *, gain: float) -> Field:
    """Returns the shade of lines that age draws and no action: float32 (384, 320), on the map."""
    drawn = [name for name in _AGE if rng.random() < 0.6] or [_AGE[0]]
    return _shade(height_map(dict.fromkeys(drawn, gain), rng))


def shaded(image: Image, shade: Field, /, *, places_cm: Floats, on: Grid) -> Image:
    """Returns the picture with a shade of the map on the face: uint8 (S, S, 3).

    Args:
        image: uint8 (S, S, 3).
        shade: float32 (384, 320).
        places_cm: float64 (478, 2), where the face's points lie on the map.
        on: the face's triangles.
    """
    # Twice as far out the map is empty.
    columns, rows = to_map(*spread(places_cm, on, outside=100.0).transpose(2, 0, 1))
    laid = cv2.remap(
        shade, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(np.clip(image * (1 + laid[..., None]), 0, 255), np.uint8)


def _shade(height_cm: Field) -> Field:
    _, slope_y, depth = relief(height_cm)
    # A slope that falls towards the chin looks up to the light.
    raw = -_SLOPE_GAIN * slope_y - _DEPTH_GAIN * depth
    return np.asarray(np.clip(raw, _DARKEST, _LIGHTEST), np.float32)
