"""Names and order of the columns of rtau's tables.

Follows OpenFace 2's conventions where they exist (`frame` from 1, `AU01_c`); formats no value and
opens no file. The CSV sink writes these columns, the detector that replays recorded faces reads
them, and docs/data-dictionary.md explains them.
"""

from __future__ import annotations

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
ROLL = "pose_Rz"
SEAT = "seat"
EMOTION = "emotion"
MARKER = "marker"

BOX = (FACE_X, FACE_Y, FACE_W, FACE_H)
# What every file starts with, whatever the model says of a face.
LEADING = (FRAME, FACE_ID, TIMESTAMP, CONFIDENCE, SUCCESS, *BOX, ROLL)
# Digits after the point. A thousandth of a pixel is far below what a detector's box means, and
# enough to cut the same crop; a network's landmarks are off by a hundred times their last digit.
BOX_DIGITS = 3
ROLL_DIGITS = 4
LANDMARK_DIGITS = 2
# Microseconds: tells frames of any time base apart.
TIME_DIGITS = 6
CONFIDENCE_DIGITS = 4
# The landmarks' columns: all x, then all y, as in OpenFace.
POINTS = tuple(f"{axis}_{k}" for axis in "xy" for k in range(LANDMARKS))


def decision_column(label: str) -> str:
    """Returns the column of a label's decision, 0 or 1: `AU12_c`."""
    return f"{label}_c"


def probability_column(label: str) -> str:
    """Returns the column of a label's raw probability: `AU12_p`."""
    return f"{label}_p"


_DIGITS = {
    TIMESTAMP: TIME_DIGITS,
    CONFIDENCE: CONFIDENCE_DIGITS,
    **dict.fromkeys(BOX, BOX_DIGITS),
    ROLL: ROLL_DIGITS,
    **dict.fromkeys(POINTS, LANDMARK_DIGITS),
}


def digits(name: str) -> int | None:
    """Returns how many digits a column has after the point; None for as many as it takes."""
    return 0 if name.endswith("_c") else _DIGITS.get(name)


def header(
    labels: Sequence[str],
    *,
    task: Task,
    with_file: bool = False,
    with_seat: bool = False,
    with_landmarks: bool = False,
) -> tuple[str, ...]:
    """Returns all column names in order; `with_file` puts `file` in front, for images."""
    decisions = (
        (EMOTION,) if task == "multi_class" else tuple(decision_column(name) for name in labels)
    )
    probabilities = tuple(probability_column(name) for name in labels)
    leading = ((FILE,) if with_file else ()) + LEADING + ((SEAT,) if with_seat else ())
    return leading + (POINTS if with_landmarks else ()) + decisions + probabilities
