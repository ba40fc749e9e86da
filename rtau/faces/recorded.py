"""Faces that somebody has found before: boxes of a table, or of a list. Both are `Tracker`s.

`RecordedFaces` replays a CSV (`--faces`); `ListedFaces` stands in for a tracker in programs and
tests. Neither looks at a pixel: what is recorded is believed.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rtau import columns, geometry
from rtau.data import Faces, Frame, TrackedFaces
from rtau.errors import ConfigError

NOTHING = np.zeros((0, 4), np.float32)


class ListedFaces:
    """Faces that are given: the k-th entry belongs to the frame with index k."""

    def __init__(self, faces: Mapping[int, Faces] | Sequence[Faces], /) -> None:
        """Takes tracked faces by frame index; frames without an entry have no face."""
        self._by_index = dict(faces) if isinstance(faces, Mapping) else dict(enumerate(faces))

    def track(self, frame: Frame, /) -> TrackedFaces:
        """Returns the faces of the frame that touch it."""
        faces = self._by_index.get(frame.index, Faces.none())
        inside = geometry.clip(faces.boxes_xyxy, width=frame.width, height=frame.height)
        return TrackedFaces(faces.select(geometry.areas(inside) > 0), NOTHING)

    def reset(self) -> None:
        """Does nothing: there is nothing to forget."""


class RecordedFaces(ListedFaces):
    """Replays the faces of a CSV in rtau's columns.

    Ids are those of the column `face_id`; without it the k-th row of a frame is face k. Faces are
    as tilted as the column `pose_Rz` says, upright without it.
    """

    def __init__(self, path: Path, /) -> None:
        """Reads the table.

        Raises:
            ConfigError: the file cannot be read, lacks a column, or a cell is no number.
        """
        rows: dict[int, list[_Row]] = {}
        for row in _read(path):
            rows.setdefault(row.index, []).append(row)
        super().__init__({index: _faces(found, path) for index, found in rows.items()})


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    index: int
    box_xyxy: tuple[float, float, float, float]
    presence: float
    face_id: int | None
    roll_rad: float


def _faces(rows: Sequence[_Row], path: Path) -> Faces:
    ids = [row.face_id or k for k, row in enumerate(rows, start=1)]
    if len(set(ids)) != len(ids):
        raise ConfigError(
            f"{path}: frame {rows[0].index + 1} has face_id {max(ids, key=ids.count)} twice; "
            "every face of a frame needs an id of its own"
        )
    return Faces(
        boxes_xyxy=np.array([row.box_xyxy for row in rows], np.float32),
        scores=np.array([row.presence for row in rows], np.float32),
        track_ids=np.array(ids, np.int64),
        rolls_rad=np.array([row.roll_rad for row in rows], np.float32),
    )


def _read(path: Path) -> list[_Row]:
    """Returns the row of every face in a table."""
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


def _parsed(row: Mapping[str, str | None], place: str) -> _Row:
    try:
        number = int(row[columns.FRAME] or "")
        x, y, width, height = (float(row[name] or "") for name in columns.BOX)
        presence = float(row.get(columns.CONFIDENCE) or 1.0)
        face_id = int(row.get(columns.FACE_ID) or 0)
        roll_rad = float(row.get(columns.ROLL) or 0.0)
    except ValueError as error:
        raise ConfigError(f"{place}: a number was expected ({error})") from None
    # Written so that NaN fails too.
    is_finite = all(abs(value) < geometry.MAX_PX for value in (x, y, width, height, roll_rad))
    is_sane = number >= 1 and face_id >= 0 and min(width, height) > 0 and 0 <= presence <= 1
    if not (is_finite and is_sane):
        raise ConfigError(
            f"{place}: a frame from 1, a finite box with width and height over 0, a confidence in "
            "[0, 1] and a face_id from 1 were expected"
        )
    return _Row(number - 1, (x, y, x + width, y + height), presence, face_id or None, roll_rad)
