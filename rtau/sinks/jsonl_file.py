"""JSON lines: one object per frame, for programs that read a pipe.

Lines are not buffered, so that `rtau webcam --jsonl - | reader` is live. docs/data-dictionary.md
explains the fields.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtau.columns import CONFIDENCE_DIGITS, ROLL_DIGITS, TIME_DIGITS
from rtau.data import FrameResult, Picture
from rtau.protocols import SinkReport
from rtau.sinks._line_file import LineFile
from rtau.sinks._numbers import probability_text, rounded_box, rounded_points

# Increased when a field changes its meaning; new fields may be added without.
SCHEMA = 1


class JsonlSink:
    """Writes one JSON object per frame and line. Satisfies `rtau.protocols.Sink`."""

    is_view = False
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        path: Path | str,
        *,
        thresholds: Sequence[float] | None = None,
        file_of: Callable[[int], str] | None = None,
        landmarks: bool = False,
        overwrite: bool = True,
    ) -> None:
        """Opens the file.

        Args:
            path: the file, or `-` for standard output.
            thresholds: the contract's for multi_label, so that a probability that is read back lies
                on the side of its threshold that `active` implies; None for multi_class.
            file_of: name of the file a frame index came from, for the field `file`.
            landmarks: the 68 landmarks of each face, where the model has them.
            overwrite: False refuses a file that is already there.

        Raises:
            UsageError: the path is a directory, or exists and `overwrite` is False.
            SinkError: the file cannot be written.
        """
        self._thresholds = tuple(thresholds) if thresholds is not None else None
        self._file_of = file_of
        self._landmarks = landmarks
        self._lines = LineFile(path, overwrite=overwrite)
        self.name = self._lines.name

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Writes the frame's line.

        Raises:
            SinkError: the disk is full and the like.
            StopRun: the reader of standard output closed the pipe.
        """
        payload: dict[str, Any] = {"schema": SCHEMA}
        if self._file_of is not None:
            payload["file"] = self._file_of(result.frame.index)
        payload["frame"] = result.frame.index + 1
        payload["time_s"] = round(result.frame.time_s, TIME_DIGITS)
        probabilities = result.scores.probabilities  # computed on each access
        payload["faces"] = [
            self._face(result, row, probabilities[row]) for row in range(len(result.faces))
        ]
        points = result.landmarks_xy if self._landmarks else None
        if points is not None:
            for face, points_xy in zip(payload["faces"], points, strict=True):
                face["landmarks_xy"] = rounded_points(points_xy)
        # ASCII, which is the same text in any encoding.
        self._lines.write(json.dumps(payload, separators=(",", ":"), allow_nan=False) + "\n")

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._lines.close()

    def _face(
        self, result: FrameResult, row: int, values: npt.NDArray[np.float32]
    ) -> dict[str, Any]:
        faces, scores, active = result.faces, result.scores, result.active[row]
        confidence = None
        if faces.scores is not None:
            confidence = round(float(faces.scores[row]), CONFIDENCE_DIGITS)
        seat = {} if faces.seats is None else {"seat": faces.seats[row]}
        return {
            "id": result.track_ids[row],
            **seat,
            "box_xyxy": rounded_box(faces.boxes_xyxy[row]),
            "roll_rad": round(faces.roll_of(row), ROLL_DIGITS) + 0.0,
            "confidence": confidence,
            "active": [label for label, on in zip(scores.labels, active, strict=True) if on],
            "probabilities": {
                label: float(
                    probability_text(
                        values[column],
                        threshold=None if self._thresholds is None else self._thresholds[column],
                        active=bool(active[column]),
                    )
                )
                for column, label in enumerate(scores.labels)
            },
        }
