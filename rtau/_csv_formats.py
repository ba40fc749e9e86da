"""CSV files of other tools under rtau's column names: which tool wrote one, and what it means.

Reads no file: takes a header and its rows, as `rtau.read_csv` does. Columns that have no name here
keep their own.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence

from rtau import columns as names
from rtau.errors import UsageError

Cells = dict[str, list[str]]

# OpenFace 3.0's network: the order of its eight Action Units and of its emotions.
OPENFACE3_AUS = ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26")
OPENFACE3_EMOTIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
# Frames that are further apart than this cannot be seconds.
LONGEST_STEP_S = 2.0
UNKNOWN = (
    "not a table of faces that is known; expected a CSV of rtau, OpenFace 2 or 3, Py-Feat or "
    "LibreFace"
)


def renamed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, Cells]:
    """Returns the tool that wrote a table, and its columns under rtau's names.

    Raises:
        UsageError: no tool that is known writes such a header.
    """
    # OpenFace 2 writes ", " between names, and some of its versions between values.
    stripped = [name.strip() for name in header]
    cells = {
        name: [row[k].strip() if k < len(row) else "" for row in rows]
        for k, name in enumerate(stripped)
    }
    for tool, knows, convert in _TOOLS:
        if knows(set(stripped)):
            return tool, convert(cells)
    raise UsageError(f"{UNKNOWN}; got the columns {', '.join(stripped[:8])}")


def _ours(cells: Cells) -> Cells:
    return cells


def _openface2(cells: Cells) -> Cells:
    """Failed rows hold zeros there; what was not measured is not known here."""
    success = ["1" if cell.lower() in ("1", "1.0", "true") else "0" for cell in cells["success"]]
    known = (names.FRAME, names.FACE_ID, names.TIMESTAMP, names.CONFIDENCE)
    found = {
        name: column if name in known else _where(success, column) for name, column in cells.items()
    }
    found[names.SUCCESS] = success
    found[names.FRAME] = _counted(cells.get(names.FRAME), len(success))
    found.setdefault(names.FACE_ID, success)  # OpenFace 2.0 follows one face and does not say so
    return found


def _openface3(cells: Cells) -> Cells:
    """Lists in cells become columns; `timestamp` was the time of day, not of the video."""
    boxes = [_numbers(cell) for cell in cells["face_detection"]]
    units = [_numbers(cell) for cell in cells["action_units"]]
    seen = ["1" if box else "0" for box in boxes]
    found = {
        names.FRAME: _from_one(cells.get("frame_index"), len(seen)),
        names.FACE_ID: _from_one(cells["face_id"], len(seen), missing="0"),
        names.CONFIDENCE: [str(box[4]) if len(box) > 4 else "0" for box in boxes],
        names.SUCCESS: seen,
    }
    for path in ("video_path", "image_path"):
        if path in cells:
            found = {names.FILE: cells[path], **found}
            break
    corners = [(box[0], box[1], box[2] - box[0], box[3] - box[1]) if box else () for box in boxes]
    for k, name in enumerate(names.BOX):
        found[name] = [str(box[k]) if box else "" for box in corners]
    found[names.EMOTION] = [
        OPENFACE3_EMOTIONS[int(float(cell))] if cell else "" for cell in cells["emotion"]
    ]
    for k, label in enumerate(OPENFACE3_AUS):
        column = [str(values[k]) if k < len(values) else "" for values in units]
        found[names.probability_column(label)] = column
    return found | {name: cells[name] for name in ("gaze_yaw", "gaze_pitch") if name in cells}


def _pyfeat(cells: Cells) -> Cells:
    """Py-Feat has no track numbers: `face_id` counts the faces of each frame."""
    seen = ["1" if cell and cell.lower() != "nan" else "0" for cell in cells["FaceRectX"]]
    frames = _from_one(cells.get("frame"), len(seen))
    new = {
        "FaceRectX": names.FACE_X,
        "FaceRectY": names.FACE_Y,
        "FaceRectWidth": names.FACE_W,
        "FaceRectHeight": names.FACE_H,
        "FaceScore": names.CONFIDENCE,
        "input": names.FILE,
        **{name: f"{name}_p" for name in cells if re.fullmatch(r"AU\d\d", name)},
    }
    found = {names.FRAME: frames, names.FACE_ID: _ranks(frames, seen), names.SUCCESS: seen}
    return found | {new.get(name, name): cells[name] for name in cells if name != "frame"}


def _libreface(cells: Cells) -> Cells:
    """One face a frame; `frame_time_in_ms` holds seconds or milliseconds, by version."""
    new = {}
    for name in cells:
        unit = re.fullmatch(r"au_(\d+)(_intensity)?", name)
        if unit:
            new[name] = f"AU{int(unit[1]):02d}{'_r' if unit[2] else '_c'}"
    count = len(next(iter(cells.values())))
    found = {
        names.FRAME: _from_one(cells.get("frame_idx"), count),
        names.FACE_ID: ["1"] * count,
        names.SUCCESS: ["1"] * count,
    }
    if "frame_time_in_ms" in cells:
        found[names.TIMESTAMP] = _seconds(cells["frame_time_in_ms"])
    left = [name for name in cells if name not in ("frame_idx", "frame_time_in_ms")]
    return found | {new.get(name, name): cells[name] for name in left}


def _has(have: set[str], pattern: str) -> bool:
    return any(re.fullmatch(pattern, name) for name in have)


# Tool, whether it writes such a set of names, and what makes them ours.
_TOOLS: tuple[tuple[str, Callable[[set[str]], bool], Callable[[Cells], Cells]], ...] = (
    ("rtau", lambda have: set(names.LEADING) <= have, _ours),
    ("OpenFace 3", lambda have: {"face_detection", "action_units"} <= have, _openface3),
    ("OpenFace 2", lambda have: "success" in have and _has(have, r"AU\d\d_[rc]"), _openface2),
    ("Py-Feat", lambda have: {"FaceRectX", "FaceScore"} <= have, _pyfeat),
    ("LibreFace", lambda have: _has(have, r"au_\d+(_intensity)?"), _libreface),
)


def _where(success: Sequence[str], column: Sequence[str]) -> list[str]:
    return [cell if on == "1" else "" for on, cell in zip(success, column, strict=True)]


def _counted(frames: list[str] | None, count: int) -> list[str]:
    """Returns frame numbers from 1; some ports of OpenFace count from 0."""
    if not frames:
        return [str(k + 1) for k in range(count)]
    return _from_one(frames, count) if float(frames[0]) == 0 else frames


def _from_one(cells: list[str] | None, count: int, *, missing: str = "1") -> list[str]:
    """Returns numbers that counted from 0 as from 1."""
    if cells is None:
        return ["1"] * count
    return [str(int(float(cell)) + 1) if cell else missing for cell in cells]


def _ranks(frames: Sequence[str], seen: Sequence[str]) -> list[str]:
    counts: dict[str, int] = {}
    ranks = []
    for frame, on in zip(frames, seen, strict=True):
        counts[frame] = counts.get(frame, 0) + 1
        ranks.append(str(counts[frame]) if on == "1" else "0")
    return ranks


def _seconds(cells: Sequence[str]) -> list[str]:
    times = [float(cell) for cell in cells]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    is_ms = bool(steps) and sorted(steps)[len(steps) // 2] > LONGEST_STEP_S
    return [str(time / 1000 if is_ms else time) for time in times]


def _numbers(cell: str) -> list[float]:
    """Returns the numbers of a list in a cell, however deep; none for an empty cell."""
    if not cell:
        return []
    try:
        values = json.loads(cell)
        while values and isinstance(values[0], list):
            values = values[0]
        return [float(value) for value in values]
    except (TypeError, KeyError, RecursionError):  # a list of no numbers, or no list
        raise ValueError(f"a cell must be a list of numbers, got {cell[:40]!r}") from None
