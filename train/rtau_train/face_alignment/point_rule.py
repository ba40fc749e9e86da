"""Fits how the 68 points lie on a face square, so that squares are where Haar's boxes are.

The average face of `rtau_train.explaining.mean_face` gives the shape; the detector's boxes on real
pictures and renders give its scale and height. Called by `command.py`; the result travels in the
contract.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.contract import CropRule
from rtau.errors import UsageError
from rtau.squares import Floats, PointRule, squares_from_boxes, squares_from_points
from rtau_train.explaining.mean_face import mean_face

# The jaw slides along the outline when a head turns, and falls when the mouth opens; lips move
# most; brows rise. Lids and nose hold still.
_WEIGHTS: Final = (*[0.2] * 17, *[0.5] * 10, *[1.0] * 9, *[2.0] * 12, *[0.5] * 20)
# The detector's own square: no margin, no shift.
_DETECTOR_BOX: Final = CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0)
# A box further off (in sides; as a logarithm) is on something else.
_SAME_FACE: Final = 0.3
_LEAST_FACES: Final = 20
_DIGITS: Final = 4


def average_rule() -> PointRule:
    """Returns the rule of the average face, measured on renders."""
    return _rule(mean_face(_DETECTOR_BOX) - 0.5)


def fitted_rule(landmarks_xy: Floats, boxes_xyxy: Floats, /) -> PointRule:
    """Returns the rule whose squares fit a detector's boxes in the median.

    Args:
        landmarks_xy: float32 (N, 68, 2), px.
        boxes_xyxy: float32 (N, 4), of the same faces, px.

    Raises:
        UsageError: too few boxes are on their faces.
    """
    rule = average_rule()
    log_ratios, shifts = differences(landmarks_xy, boxes_xyxy, rule=rule)
    near = (np.abs(log_ratios) < _SAME_FACE) & (np.abs(shifts).max(axis=1) < _SAME_FACE)
    if near.sum() < _LEAST_FACES:
        raise UsageError(
            f"the square is fitted to the detector's boxes of {_LEAST_FACES} faces or more, got "
            f"{int(near.sum())}; give more portraits"
        )
    places = np.array(rule.places_xy)
    # To the side a face has no preference: the rule stays its own mirror image.
    middle = np.array([0.0, np.median(shifts[near, 1])])
    return _rule((places - middle) / np.exp(np.median(log_ratios[near])))


def differences(
    landmarks_xy: Floats, boxes_xyxy: Floats, /, *, rule: PointRule
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns how boxes lie on the squares of their faces, in the faces' own directions.

    float64 (N,): logarithm of the box's side over the square's; float64 (N, 2): the box's centre
    less the square's, in sides of the square.
    """
    squares = squares_from_points(landmarks_xy, rule=rule)
    boxes = squares_from_boxes(boxes_xyxy)
    moved = (boxes.centres_xy - squares.centres_xy).astype(np.float64)
    along = np.exp(-1j * squares.rolls_rad) * (moved[:, 0] + 1j * moved[:, 1]) / squares.sides_px
    ratios = np.log(boxes.sides_px / squares.sides_px)
    return np.asarray(ratios, np.float64), np.stack([along.real, along.imag], axis=1)


def _rule(places: npt.NDArray[np.float64]) -> PointRule:
    rounded = np.round(places, _DIGITS)
    return PointRule(tuple((float(x), float(y)) for x, y in rounded), _WEIGHTS)
