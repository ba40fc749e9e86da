"""Detectors that return given boxes, of a CSV or of a list, without reading pixels.

`RecordedDetector` replays the faces of a table rtau wrote (`--faces`); `ListDetector` replaces a
detector in programs and tests.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau import columns, geometry
from rtau.data import Faces, Frame
from rtau.errors import ConfigError

Row = Sequence[float]


class ListDetector:
    """Detector that returns the k-th entry of a list for the frame with index k."""

    def __init__(
        self, boxes_xyxy: Sequence[Sequence[Row]], *, scores: Sequence[Row] | None = None
    ) -> None:
        """Takes boxes, xyxy in px, and scores (default: 1) per frame; later frames have no face.

        Raises:
            ValueError: boxes and scores differ in number.
        """
        given = [[1.0] * len(boxes) for boxes in boxes_xyxy] if scores is None else scores
        if [len(boxes) for boxes in boxes_xyxy] != [len(row) for row in given]:
            raise ValueError("scores must have one value per box of each frame")
        self._by_index = {
            index: _faces(boxes, row)
            for index, (boxes, row) in enumerate(zip(boxes_xyxy, given, strict=True))
        }

    def detect(
        self,
        frame: Frame,
        /,
        *,
        near: Faces | None = None,
        within: geometry.Boxes | None = None,
        seen: Faces | None = None,  # noqa: ARG002 - nothing is detected here
    ) -> Faces:
        """Returns the boxes of the frame, or those of them that overlap a face or a region."""
        return _pick(self._by_index, frame, near=near, within=within)


class RecordedDetector:
    """Detector that replays the boxes of a CSV in rtau's columns, confidences as scores."""

    def __init__(self, path: Path) -> None:
        """Reads the table.

        Raises:
            ConfigError: the file cannot be read, lacks a column, or a cell is no number.
        """
        boxes: dict[int, list[Row]] = {}
        scores: dict[int, list[float]] = {}
        for index, box, score in _read(path):
            boxes.setdefault(index, []).append(box)
            scores.setdefault(index, []).append(score)
        self._by_index = {index: _faces(boxes[index], scores[index]) for index in boxes}

    def detect(
        self,
        frame: Frame,
        /,
        *,
        near: Faces | None = None,
        within: geometry.Boxes | None = None,
        seen: Faces | None = None,  # noqa: ARG002 - nothing is detected here
    ) -> Faces:
        """Returns the boxes recorded for the frame, or those that overlap a face or a region."""
        return _pick(self._by_index, frame, near=near, within=within)


def _faces(boxes_xyxy: Sequence[Row], scores: Row) -> Faces:
    return Faces(
        boxes_xyxy=np.array(boxes_xyxy, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
    )


def _pick(
    by_index: Mapping[int, Faces],
    frame: Frame,
    *,
    near: Faces | None,
    within: geometry.Boxes | None,
) -> Faces:
    """Returns the faces of a frame, clipped to it, that overlap the given faces or regions."""
    faces = by_index.get(frame.index, _faces([], []))
    boxes = geometry.clip(faces.boxes_xyxy, width=frame.width, height=frame.height)
    keep: npt.NDArray[np.bool_] = geometry.areas(boxes) > 0
    places = within if near is None else near.boxes_xyxy
    if places is not None:
        keep &= geometry.iou(boxes, places).max(axis=1, initial=0) > 0
    return Faces(boxes_xyxy=boxes, scores=faces.scores).select(keep)


def _read(path: Path) -> list[tuple[int, Row, float]]:
    """Returns (frame index from 0, box xyxy, score) of every face in a table."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            missing = sorted({columns.FRAME, *columns.BOX} - set(table.fieldnames or ()))
            if missing:
                raise ConfigError(
                    f"{path}: recorded faces need the columns frame and "
                    f"{', '.join(columns.BOX)}, got none named {missing[0]!r}; "
                    "give a CSV that rtau wrote with --csv"
                )
            return [
                _parsed(row, f"{path}, line {table.line_num}")
                for row in table
                if row.get(columns.SUCCESS, "1") != "0"  # a frame without a face
            ]
    except OSError as error:
        raise ConfigError(f"{path}: the faces cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: not a CSV table ({error})") from None


def _parsed(row: Mapping[str, str | None], place: str) -> tuple[int, Row, float]:
    try:
        number = int(row[columns.FRAME] or "")
        x, y, width, height = (float(row[name] or "") for name in columns.BOX)
        score = float(row.get(columns.CONFIDENCE) or 1.0)
    except ValueError as error:
        raise ConfigError(f"{place}: a number was expected ({error})") from None
    finite = all(math.isfinite(value) for value in (x, y, width, height))
    if number < 1 or not finite or min(width, height) <= 0 or not 0 <= score <= 1:
        raise ConfigError(
            f"{place}: a frame from 1, a finite box with width and height over 0 and a "
            "confidence in [0, 1] were expected"
        )
    return number - 1, (x, y, x + width, y + height), score
