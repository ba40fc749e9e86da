"""Splits a table into the frames of each file and the values of each face in time.

Every frame stands for the time until the next one, so that nothing depends on the frame rate being
constant. A face that a frame does not show has no values there. Reads no file.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt

from rtau import columns as names
from rtau.errors import UsageError
from rtau.table import Table

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
GroupBy = Literal["auto", "face", "seat"]

# A frame stands for the time until the next one, but after a gap in the recording for no more than
# this many usual frames: what happened in the gap was not observed.
MAX_DURATION_FRAMES = 3.0
# Later than any time since 1970, in seconds; a larger number is no time.
MAX_TIME_S = 1e11
# Two times that are closer are the same: tables have microseconds at best.
TIME_TOLERANCE_S = 1e-6
_LABEL = re.compile(r"(AU\d\d(?:_[LR])?)_[prnc]|(.+)_p")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FaceSeries:
    """The values of one face over the frames of its file."""

    file: str | None
    """The file; None where the table is of one video."""
    face: str
    """The number of its track, or the name of its seat."""
    times_s: Floats
    """Time of every frame of the file, (n,)."""
    durations_s: Floats
    """How long each frame stands, (n,)."""
    is_cut: Flags
    """Frames before which something was not observed: the first, and those after a gap, (n,)."""
    rows: Rows
    """Its row in the table for each frame, (n,); -1 where the frame does not show it."""
    usable: Flags
    """The frames that show it and are not flagged in the column `quality`, (n,)."""
    table: Table
    """Where the rows are."""

    @property
    def ends_s(self) -> Floats:
        """The time at which each frame ends, (n,)."""
        return self.times_s + self.durations_s

    @property
    def seen(self) -> Flags:
        """The frames that show the face, (n,)."""
        return self.rows >= 0

    def values(self, column: str) -> Floats:
        """Returns a column for every frame, (n,); NaN where the face is not seen."""
        values = np.full(len(self.rows), np.nan)
        seen = self.seen
        values[seen] = self.table[column][self.rows[seen]]
        return values


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FileFrames:
    """The frames of one file, with its faces."""

    file: str | None
    """The file; None where the table is of one video."""
    times_s: Floats
    """Time of every frame, (n,), rising."""
    durations_s: Floats
    """How long each frame stands, (n,)."""
    faces: tuple[FaceSeries, ...]
    """Its faces, in the order of their first frames."""


def files_of(
    table: Table, *, by: GroupBy = "auto", fps: float | None = None, all_rows: bool = False
) -> Iterator[FileFrames]:
    """Yields the files of a table, in order.

    Args:
        table: rows per face and frame, as `rtau.read_csv` returns them.
        by: what a face is: `face` for a track, `seat` for a named region; `auto` takes seats where
            the table has them.
        fps: frames per second of a table without times.
        all_rows: use rows that the column `quality` flags, too.

    Raises:
        UsageError: the table has no frames, no times, or no seats that were asked for.
    """
    if names.FRAME not in table.columns:
        raise UsageError("the table has no column frame; expected a row per face and frame")
    if not np.isfinite(table[names.FRAME].astype(np.float64)).all():
        raise UsageError("the column frame has empty cells; expected numbers from 1")
    if by == "seat" and names.SEAT not in table.columns:
        raise UsageError("the table has no column seat; name regions with --seat, or group by face")
    times = _times(table, fps)
    keys = _face_names(table, by)
    usable = np.ones(len(table), np.bool_)
    if names.QUALITY in table.columns and not all_rows:
        usable = table[names.QUALITY].astype(np.float64) != 0
    for file, rows in _rows_by_file(table):
        yield _frames_of(table, file, rows, times=times, keys=keys, usable=usable)


def labels_of(table: Table) -> tuple[str, ...]:
    """Returns the labels that a table has values of, in order: `AU01`, ..., or emotions."""
    found = [_LABEL.fullmatch(name) for name in table.columns]
    return tuple(dict.fromkeys(one[1] or one[2] for one in found if one))


def _rows_by_file(table: Table) -> list[tuple[str | None, Rows]]:
    everything = np.arange(len(table))
    if names.FILE not in table.columns:
        return [(None, everything)]
    files = table[names.FILE]
    order: dict[str | None, list[int]] = {}
    for row, file in enumerate(files.tolist()):
        order.setdefault(file, []).append(row)
    return [(file, np.array(rows, np.int64)) for file, rows in order.items()]


def _times(table: Table, fps: float | None) -> Floats:
    if names.TIMESTAMP in table.columns and fps is None:
        times = table[names.TIMESTAMP].astype(np.float64)
        if not np.isfinite(times).all():
            raise UsageError("the column timestamp has empty cells; give the frame rate (--fps)")
        return times
    if fps is None:
        raise UsageError("the table has no column timestamp; give the frame rate (--fps)")
    return np.asarray((table[names.FRAME] - 1) / fps, np.float64)


def _face_names(table: Table, by: GroupBy) -> npt.NDArray[np.object_]:
    """Returns the face of each row as text; None in rows without a face."""
    success = table.columns.get(names.SUCCESS, np.ones(len(table), np.int64))
    ids = table.columns.get(names.FACE_ID, np.ones(len(table), np.int64))
    if not np.isfinite(ids[success.astype(np.bool_)].astype(np.float64)).all():
        raise UsageError("the column face_id has empty cells in rows with a face")
    seats = table.columns.get(names.SEAT) if by != "face" else None
    keys = np.empty(len(table), object)
    for row, seen in enumerate(success.tolist()):
        if not seen:
            continue
        if seats is not None and (by == "seat" or seats[row]):
            keys[row] = seats[row] or None
        else:
            keys[row] = str(int(ids[row]))
    return keys


def _frames_of(
    table: Table,
    file: str | None,
    rows: Rows,
    *,
    times: Floats,
    keys: npt.NDArray[np.object_],
    usable: Flags,
) -> FileFrames:
    _, first, frame_of_row = np.unique(
        table[names.FRAME][rows], return_index=True, return_inverse=True
    )
    times_s = times[rows][first]
    durations_s = frame_durations(times_s)
    is_cut = np.ones(len(times_s), np.bool_)
    is_cut[1:] = np.diff(times_s) > durations_s[:-1] + TIME_TOLERANCE_S
    by_face: dict[str, list[int]] = {}
    for k, key in enumerate(keys[rows].tolist()):
        if key is not None:
            by_face.setdefault(key, []).append(k)
    faces = []
    for face, members in by_face.items():
        in_frame = np.full(len(times_s), -1, np.int64)
        for k in _least_sure_first(table, rows, members):
            in_frame[frame_of_row[k]] = rows[k]
        is_usable = (in_frame >= 0) & usable[in_frame]
        faces.append(
            FaceSeries(file, face, times_s, durations_s, is_cut, in_frame, is_usable, table)
        )
    return FileFrames(file, times_s, durations_s, tuple(faces))


def _least_sure_first(table: Table, rows: Rows, members: list[int]) -> list[int]:
    """Two faces may share a seat in one frame: the surer one counts, which comes last here."""
    if names.SEAT not in table.columns or names.CONFIDENCE not in table.columns:
        return members
    confidence = table[names.CONFIDENCE][rows]
    return sorted(members, key=lambda k: float(confidence[k]))


def check_times(times_s: Floats) -> None:
    """Raises UsageError for a number that is no time: not finite, or beyond all recordings."""
    wrong = times_s[~(np.abs(times_s) <= MAX_TIME_S)]  # written so that NaN fails too
    if wrong.size:
        raise UsageError(f"a time must be at most {MAX_TIME_S:g} s, got {wrong[0]:g}")


def frame_durations(times_s: Floats) -> Floats:
    """Returns how long each frame stands: until the next one, the last as long as is usual.

    Raises:
        UsageError: times do not rise, or are none.
    """
    check_times(times_s)
    if len(times_s) < 2:
        return np.zeros(len(times_s))
    steps = np.diff(times_s)
    if (steps < 0).any():
        raise UsageError("times must rise with the frames, got a frame that is earlier")
    usual = float(np.median(steps))
    return np.append(np.minimum(steps, MAX_DURATION_FRAMES * usual), usual)
