"""The mean face: where the 68 landmarks lie in a crop of which no landmarks are known.

Holds a template measured on rendered faces (tools/measure_mean_face.py), relative to the box of the
landmarks and to the box of the runtime's detector, so that it fits any crop that is laid on either.
An average, not a fit: a face that is turned or badly boxed lies elsewhere. Called by
`rtau_train.explaining.cam_quality`.
"""

from __future__ import annotations

import functools
import json
from importlib import resources

import numpy as np
import numpy.typing as npt

from rtau.contract import CropRule
from rtau.errors import ConfigError
from rtau_train.recipe import Crop

FILE = "mean_face.json"


def mean_face(rule: Crop | CropRule, /) -> npt.NDArray[np.float64]:
    """Returns the mean landmarks in a crop cut by a rule: float64 (68, 2), in sides of the crop.

    Left and right are mirror images of each other.

    Raises:
        ConfigError: the rule is for the boxes of a detector that was not measured.
    """
    boxes = _template()
    if isinstance(rule, Crop):
        points, expand = boxes["landmark_box"], rule.side_over_landmark_box
        offset = np.array([0.0, -rule.lift * expand])
    elif rule.detector == "haar":
        points, expand = boxes["haar_box"], rule.expand
        offset = np.array([rule.offset_x, rule.offset_y])
    else:
        raise ConfigError(
            f"the mean face is known for crops on boxes of the haar detector, got {rule.detector!r}"
        )
    return np.asarray((points - offset) / expand + 0.5)


@functools.cache
def _template() -> dict[str, npt.NDArray[np.float64]]:
    """Returns per kind of box the mean points, (68, 2), in longer sides from the box's centre."""
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    measured = json.loads(text)
    return {kind: np.array(measured[kind]["points"]) for kind in ("landmark_box", "haar_box")}
