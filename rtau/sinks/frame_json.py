"""One frame's result as a JSON object: what JSON lines hold and live streams send.

docs/stream.schema.json describes the object, docs/data-dictionary.md explains its fields. The JSON
lines sink and the WebSocket server use it, so that both say the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rtau.columns import CONFIDENCE_DIGITS, INTENSITY_DIGITS, ROLL_DIGITS, TIME_DIGITS
from rtau.data import FrameResult
from rtau.intensity import Intensities
from rtau.sinks._numbers import calibrated_texts, probability_text, rounded_box, rounded_points

# Increased when a field changes its meaning; new fields may be added without.
SCHEMA = 1


class FrameObjects:
    """Makes the objects of a run's results."""

    def __init__(
        self,
        *,
        thresholds: Sequence[float] | None = None,
        file_of: Callable[[int], str] | None = None,
        landmarks: bool = False,
        markers: bool = False,
    ) -> None:
        """Chooses the fields.

        Args:
            thresholds: the contract's for multi_label, so that a probability that is read back lies
                on the side of its threshold that `active` implies; None for multi_class.
            file_of: name of the file a frame index came from, for the field `file`.
            landmarks: the 68 landmarks of each face, where the model has them.
            markers: the events of each frame, in a run that takes them.
        """
        self._thresholds = tuple(thresholds) if thresholds is not None else None
        self._file_of = file_of
        self._landmarks = landmarks
        self._markers = markers

    def text(self, result: FrameResult) -> str:
        """Returns the object of a result as JSON on one line, in ASCII, without its end."""
        # ASCII is the same text in any encoding.
        return json.dumps(self.of(result), separators=(",", ":"), allow_nan=False)

    def of(self, result: FrameResult) -> dict[str, Any]:
        """Returns the object of a result."""
        payload: dict[str, Any] = {"schema": SCHEMA}
        if self._file_of is not None:
            payload["file"] = self._file_of(result.frame.index)
        payload["frame"] = result.frame.index + 1
        payload["time_s"] = round(result.frame.time_s, TIME_DIGITS)
        if self._markers:
            payload["markers"] = [
                {"label": one.label, "time_s": round(one.time_s, TIME_DIGITS)}
                for one in result.markers
            ]
        probabilities = result.scores.probabilities  # computed on each access
        payload["faces"] = [
            self._face(result, row, probabilities[row]) for row in range(len(result.faces))
        ]
        points = result.landmarks_xy if self._landmarks else None
        if points is not None:
            for face, points_xy in zip(payload["faces"], points, strict=True):
                face["landmarks_xy"] = rounded_points(points_xy)
        return payload

    def _face(
        self, result: FrameResult, row: int, values: npt.NDArray[np.float32]
    ) -> dict[str, Any]:
        faces, scores, active = result.faces, result.scores, result.active[row]
        confidence = None
        if faces.scores is not None:
            confidence = round(float(faces.scores[row]), CONFIDENCE_DIGITS)
        seat = {} if faces.seats is None else {"seat": faces.seats[row]}
        found: dict[str, Any] = {
            "id": result.track_ids[row],
            **seat,
            **_quality(result, row),
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
        if result.calibrated is not None:
            found["probabilities_n"] = None
            if result.calibrated.knows(row):
                texts = calibrated_texts(result.calibrated.values[row], self._thresholds)
                found["probabilities_n"] = dict(zip(scores.labels, map(float, texts), strict=True))
        pose = result.pose_of(row)
        if pose is not None:
            found["pose_rad"] = [round(angle, ROLL_DIGITS) + 0.0 for angle in pose]
        if result.intensities is not None:
            found |= _intensities(result.intensities, row, labels=scores.labels)
        return found


def _intensities(found: Intensities, row: int, *, labels: Sequence[str]) -> dict[str, Any]:
    """Returns the intensities of a face by label, and of both sides where they are told apart."""
    values = (round(value, INTENSITY_DIGITS) for value in found.values[row].tolist())
    fields: dict[str, Any] = {"intensities": dict(zip(labels, values, strict=True))}
    if found.left_right is not None:
        pairs = found.left_right[row].tolist()
        fields["intensities_left_right"] = {
            label: [round(value, INTENSITY_DIGITS) for value in pair]
            for label, pair in zip(found.sides, pairs, strict=True)
        }
    return fields


def _quality(result: FrameResult, row: int) -> dict[str, Any]:
    """Returns whether the scores of a face can be relied on, if somebody has judged."""
    if result.quality_reasons is None:
        return {}
    reasons = list(result.quality_reasons[row])
    return {"quality": int(not reasons), "quality_reason": reasons}
