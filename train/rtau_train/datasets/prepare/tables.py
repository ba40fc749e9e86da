"""Reads a table whose cells are text, from CSV or Parquet.

Knows nothing of images or labels. Called by the readers of manifests, of landmarks and of FER2013.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtau.errors import BackendUnavailable, SourceOpenError


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table."""

    number: int
    """Of the data rows, from 1."""
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table in memory: names of the columns and rows of text; an empty cell is ''."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, /) -> Table:
    """Returns a CSV (UTF-8, comma, header) or a Parquet file, by the file's suffix.

    Raises:
        SourceOpenError: the file cannot be read, has no header, or a row has more cells than it.
        BackendUnavailable: it is Parquet and pyarrow is not installed.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    columns, rows = stream_csv(path)
    return Table(path, columns, tuple(rows))


def stream_csv(path: Path, /) -> tuple[tuple[str, ...], Iterator[Row]]:
    """Returns the columns of a CSV and its rows, read as they are asked for.

    Raises:
        SourceOpenError: as `read_table`; for a row, when it is asked for.
    """
    rows = _csv_rows(path)
    header = next(rows, None)
    if not header:
        raise SourceOpenError(f"{path}: the table is empty; its first line must name the columns")
    columns = tuple(name.strip() for name in header)
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise SourceOpenError(f"{path}: column {twice[0]!r} is there twice; name each one once")
    return columns, _numbered(path, columns, rows)


def _csv_rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file)
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceOpenError(f"{path}: not a CSV in UTF-8 ({error})") from None


def _numbered(path: Path, columns: tuple[str, ...], rows: Iterator[list[str]]) -> Iterator[Row]:
    number = 0
    for cells in rows:
        if not cells:
            continue
        number += 1
        if len(cells) != len(columns):
            raise SourceOpenError(
                f"{path}: data row {number} has {len(cells)} cells, the header {len(columns)}; "
                "put cells that hold a comma between quotes"
            )
        yield Row(number, dict(zip(columns, (cell.strip() for cell in cells), strict=True)))


def _parquet(path: Path) -> Table:
    if importlib.util.find_spec("pyarrow") is None:
        raise BackendUnavailable(
            f"{path}: reading Parquet needs pyarrow: pip install 'rtau[table]', or write the "
            "table as CSV"
        )
    import pyarrow  # noqa: PLC0415 - optional, and slow to import
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowInvalid) as error:
        raise SourceOpenError(f"{path}: not a Parquet file ({error})") from None
    rows = tuple(
        Row(number, {name: _text(value) for name, value in cells.items()})
        for number, cells in enumerate(table.to_pylist(), 1)
    )
    return Table(path, tuple(table.column_names), rows)


def _text(value: Any) -> str:
    """Returns a cell as a CSV would hold it: nothing for null and NaN, 0 and 1 for booleans."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value).strip()
