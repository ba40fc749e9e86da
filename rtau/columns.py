"""Names and order of the columns of rtau's tables.

Follows OpenFace 2's conventions where they exist (`frame` from 1, `AU01_c`); formats no value and
opens no file. The CSV sink writes these columns, the detector that replays recorded faces reads
them, and docs/data-dictionary.md explains them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rtau.data import LANDMARKS, Task

FILE = "file"
FRAME = "frame"
FACE_ID = "face_id"
TIMESTAMP = "timestamp"
CONFIDENCE = "confidence"
SUCCESS = "success"
FACE_X = "face_x"
FACE_Y = "face_y"
FACE_W = "face_w"
FACE_H = "face_h"
PITCH = "pose_Rx"
YAW = "pose_Ry"
ROLL = "pose_Rz"
SEAT = "seat"
EMOTION = "emotion"
MARKER = "marker"
QUALITY = "quality"
QUALITY_REASON = "quality_reason"

BOX = (FACE_X, FACE_Y, FACE_W, FACE_H)
# What every file starts with, whatever the model says of a face.
LEADING = (FRAME, FACE_ID, TIMESTAMP, CONFIDENCE, SUCCESS, *BOX, ROLL)
# Digits after the point. A thousandth of a pixel is far below what a detector's box means, and
# enough to cut the same crop; a network's landmarks are off by a hundred times their last digit.
BOX_DIGITS = 3
ROLL_DIGITS = 4
INTENSITY_DIGITS = 2
LANDMARK_DIGITS = 2
# Microseconds: tells frames of any time base apart.
TIME_DIGITS = 6
CONFIDENCE_DIGITS = 4
# The landmarks' columns: all x, then all y, as in OpenFace.
POINTS = tuple(f"{axis}_{k}" for axis in "xy" for k in range(LANDMARKS))


@dataclasses.dataclass(frozen=True, slots=True)
class OptionalColumns:
    """Columns that depend on the model and on what was asked for."""

    seat: bool = False
    """The seat the face is in."""
    pose: bool = False
    """Pitch and yaw beside the roll."""
    intensity: bool = False
    """A FACS intensity per label."""
    sides: tuple[str, ...] = ()
    """Labels with an intensity for each side of the face."""
    quality: bool = False
    """Whether the scores can be relied on."""
    neutral: bool = False
    """A probability per label relative to the person's neutral."""


def decision_column(label: str) -> str:
    """Returns the column of a label's decision, 0 or 1: `AU12_c`."""
    return f"{label}_c"


def probability_column(label: str) -> str:
    """Returns the column of a label's raw probability: `AU12_p`."""
    return f"{label}_p"


def calibrated_column(label: str) -> str:
    """Returns the column of a label's probability relative to the person's neutral: `AU12_n`."""
    return f"{label}_n"


def intensity_column(label: str) -> str:
    """Returns the column of a label's FACS intensity, 0 to 5: `AU12_r`, as in OpenFace."""
    return f"{label}_r"


def side_columns(label: str) -> tuple[str, str]:
    """Returns the columns of the intensity on the person's left and right: `AU12_L_r`, ..."""
    return f"{label}_L_r", f"{label}_R_r"


_DIGITS = {
    TIMESTAMP: TIME_DIGITS,
    CONFIDENCE: CONFIDENCE_DIGITS,
    **dict.fromkeys(BOX, BOX_DIGITS),
    **dict.fromkeys((PITCH, YAW, ROLL), ROLL_DIGITS),
    **dict.fromkeys(POINTS, LANDMARK_DIGITS),
}


def digits(name: str) -> int | None:
    """Returns how many digits a column has after the point; None for as many as it takes."""
    if name == QUALITY or name.endswith("_c"):
        return 0
    return INTENSITY_DIGITS if name.endswith("_r") else _DIGITS.get(name)


def header(
    labels: Sequence[str],
    *,
    task: Task,
    with_file: bool = False,
    with_landmarks: bool = False,
    optional: OptionalColumns | None = None,
) -> tuple[str, ...]:
    """Returns all column names in order.

    Args:
        labels: of the model.
        task: multi_label or multi_class.
        with_file: `file` in front, for images.
        with_landmarks: the 68 points.
        optional: columns that only some runs have.
    """
    optional = optional or OptionalColumns()
    decisions = (
        (EMOTION,) if task == "multi_class" else tuple(decision_column(name) for name in labels)
    )
    probabilities = tuple(probability_column(name) for name in labels)
    pose = (*LEADING[:-1], PITCH, YAW, ROLL) if optional.pose else LEADING
    leading = ((FILE,) if with_file else ()) + pose + ((SEAT,) if optional.seat else ())
    leading += POINTS if with_landmarks else ()
    strengths = tuple(intensity_column(name) for name in labels) if optional.intensity else ()
    of_sides = tuple(column for name in optional.sides for column in side_columns(name))
    calibrated = tuple(calibrated_column(name) for name in labels) if optional.neutral else ()
    quality = (QUALITY, QUALITY_REASON) if optional.quality else ()
    return leading + decisions + probabilities + calibrated + strengths + of_sides + quality
