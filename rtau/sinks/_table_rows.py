"""Results as the cells of a table: a row per face, one for a frame without any.

`_p` is the raw probability, `_c` the decision; a cell without a value is empty, never 0. All sinks
that write tables use it, so that their values are equal to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rtau.columns import (
    BOX,
    BOX_DIGITS,
    CONFIDENCE_DIGITS,
    INTENSITY_DIGITS,
    MARKER,
    ROLL_DIGITS,
    TIME_DIGITS,
    OptionalColumns,
    header,
)
from rtau.data import FrameResult, Task
from rtau.sinks._numbers import box_xywh, calibrated_texts, point_texts, probability_text

# What makes a cell a formula in spreadsheets (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class TableRows:
    """Makes the cells of results; `names` is the header they belong to."""

    def __init__(
        self,
        labels: Sequence[str],
        *,
        task: Task,
        thresholds: Sequence[float] | None = None,
        file_of: Callable[[int], str] | None = None,
        landmarks: bool = False,
        markers: bool = False,
        optional: OptionalColumns | None = None,
    ) -> None:
        """Chooses the columns.

        Args:
            labels: the contract's labels, in order.
            task: multi_label gives `_c` columns, multi_class one `emotion` column.
            thresholds: the contract's, so that `_c == (_p >= threshold)` holds in the text too.
            file_of: name of the file a frame index came from, for the leading `file` column.
            landmarks: columns for the 68 landmarks, which the model must have.
            markers: a last column for the events of each frame.
            optional: columns that only some runs have.
        """
        self._labels = tuple(labels)
        self._task = task
        self._thresholds = tuple(thresholds) if thresholds is not None else None
        self._file_of = file_of
        self._landmarks = landmarks
        self._optional = optional or OptionalColumns()
        self.names = header(
            labels,
            task=task,
            with_file=file_of is not None,
            with_landmarks=landmarks,
            optional=self._optional,
        )
        self._markers = markers
        if markers:
            self.names = (*self.names, MARKER)
        self._unknown = len(self.names) - self.names.index(BOX[0]) - markers

    def cells(self, result: FrameResult) -> list[list[str]]:
        """Returns the rows of one frame."""
        if result.scores.labels != self._labels:
            raise ValueError(f"labels must be {self._labels}, got {result.scores.labels}")
        probabilities = result.scores.probabilities  # computed on each access
        points = result.landmarks_xy if self._landmarks else None
        if self._landmarks and points is None:
            raise ValueError("a result must have landmarks for a table of them, got none")
        rows = [
            self._face_row(
                result,
                row,
                probabilities=probabilities[row],
                points_xy=None if points is None else points[row],
            )
            for row in range(len(result.faces))
        ]
        rows = rows or [self._empty_row(result)]
        if self._markers:
            cell = _marker_cell(result)
            rows = [[*row, cell] for row in rows]
        return rows

    def _face_row(
        self,
        result: FrameResult,
        row: int,
        *,
        probabilities: npt.NDArray[np.float32],
        points_xy: npt.NDArray[np.float32] | None,
    ) -> list[str]:
        faces = result.faces
        scores = faces.scores
        confidence = "" if scores is None else f"{scores[row]:.{CONFIDENCE_DIGITS}f}"
        cells = self._frame_cells(result, face_id=result.track_ids[row])
        cells += [confidence, "1"]
        cells += [f"{value:.{BOX_DIGITS}f}" for value in box_xywh(faces.boxes_xyxy[row])]
        cells += [_angle(angle) for angle in self._angles(result, row)]
        if self._optional.seat:
            cells.append(faces.seat_of(row) or "")
        if points_xy is not None:
            cells += point_texts(points_xy)
        cells += self._label_cells(probabilities, result.active[row])
        if self._optional.neutral:
            cells += self._calibrated_cells(result, row)
        cells += self._intensity_cells(result, row)
        return cells + (_quality_cells(result, row) if self._optional.quality else [])

    def _angles(self, result: FrameResult, row: int) -> tuple[float, ...]:
        if not self._optional.pose:
            return (result.faces.roll_of(row),)
        pose = result.pose_of(row)
        if pose is None:
            raise ValueError("a result must have a pose for a table of it, got none")
        return pose

    def _intensity_cells(self, result: FrameResult, row: int) -> list[str]:
        if not self._optional.intensity:
            return []
        found = result.intensities
        if found is None or found.sides != self._optional.sides:
            raise ValueError(
                f"a result must have intensities with the sides {self._optional.sides}"
            )
        values = found.values[row].tolist()
        if found.left_right is not None:
            values += found.left_right[row].flatten().tolist()
        return [f"{value:.{INTENSITY_DIGITS}f}" for value in values]

    def _label_cells(
        self, probabilities: npt.NDArray[np.float32], active: npt.NDArray[np.bool_]
    ) -> list[str]:
        if self._task == "multi_class":
            decided = self._labels[int(active.argmax())] if active.any() else ""
            return [decided, *(probability_text(value) for value in probabilities)]
        decisions = [str(int(on)) for on in active]
        return decisions + [
            probability_text(
                value,
                threshold=None if self._thresholds is None else self._thresholds[column],
                active=bool(active[column]),
            )
            for column, value in enumerate(probabilities)
        ]

    def _calibrated_cells(self, result: FrameResult, row: int) -> list[str]:
        found = result.calibrated
        if found is None or not found.knows(row):
            return [""] * len(self._labels)
        return calibrated_texts(found.values[row], self._thresholds)

    def _empty_row(self, result: FrameResult) -> list[str]:
        return [*self._frame_cells(result, face_id=0), "0", "0", *[""] * self._unknown]

    def _frame_cells(self, result: FrameResult, *, face_id: int) -> list[str]:
        frame = result.frame
        file = [] if self._file_of is None else [file_cell(self._file_of(frame.index))]
        return [*file, str(frame.index + 1), str(face_id), f"{frame.time_s:.{TIME_DIGITS}f}"]


def _angle(radians: float) -> str:
    # Adding zero turns a negative one into a positive one.
    return f"{round(radians, ROLL_DIGITS) + 0.0:.{ROLL_DIGITS}f}"


def file_cell(name: str) -> str:
    """Returns the name of a file as a cell: `./=1.jpg`, where a spreadsheet would evaluate it."""
    return f"./{name}" if name.startswith(FORMULA_STARTS) else name


def _quality_cells(result: FrameResult, row: int) -> list[str]:
    """Returns 1 or 0, and the reasons for 0; empty cells if nobody has judged."""
    if result.quality_reasons is None:
        return ["", ""]
    reasons = result.quality_reasons[row]
    return [str(int(not reasons)), "; ".join(reasons)]


def _marker_cell(result: FrameResult) -> str:
    """Returns the labels of a frame's events; one that a spreadsheet would evaluate is quoted."""
    text = "; ".join(one.label for one in result.markers)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
