"""Tables of results, written down by hand: one or more faces, any columns, any times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rtau.table import Table

FPS = 10.0


def face_table(
    values: Mapping[str, Sequence[float | None]],
    *,
    times: Sequence[float] | None = None,
    face: int = 1,
    **more: Sequence[object],
) -> Table:
    """Returns the table of one face; a frame whose values are None does not show it."""
    length = len(next(iter(values.values())))
    seen = np.array([one is not None for one in next(iter(values.values()))])
    columns: dict[str, np.ndarray] = {
        "frame": np.arange(1, length + 1),
        "face_id": np.where(seen, face, 0),
        "timestamp": np.array(times if times is not None else np.arange(length) / FPS, float),
        "confidence": np.where(seen, 0.9, 0.0),
        "success": seen.astype(np.int64),
    }
    for place, name in enumerate(("face_x", "face_y", "face_w", "face_h")):
        columns[name] = np.where(seen, (100.0 * face, 50.0, 80.0, 80.0)[place], np.nan)
    for name, cells in {**values, **more}.items():
        is_text = any(isinstance(cell, str) for cell in cells)
        kind = object if is_text else float
        columns[name] = np.array([np.nan if c is None and not is_text else c for c in cells], kind)
    return Table(columns)


def merged(*tables: Table) -> Table:
    """Returns tables of several faces of one video as one, frame by frame."""
    names = list(tables[0].columns)
    columns = {name: np.concatenate([table[name] for table in tables]) for name in names}
    order = np.argsort(columns["frame"], kind="stable")
    return Table({name: values[order] for name, values in columns.items()})


def write_csv(path: Path, table: Table) -> Path:
    """Writes a table as rtau's CSV, with the columns every one of them has; returns the path."""
    columns = dict(table.columns)
    columns.setdefault("pose_Rz", np.zeros(len(table)))
    order = (*("frame", "face_id", "timestamp", "confidence", "success"),)
    order += (*("face_x", "face_y", "face_w", "face_h", "pose_Rz"),)
    rest = [name for name in columns if name not in order]
    Table({name: columns[name] for name in (*order, *rest)}).to_csv(path)
    return path
