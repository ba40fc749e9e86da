"""Tables of earlier runs with their run records: which files a list of files and folders means.

Every table gets a column `file`, so that the rows of several can stand in one. Called by the
commands that work on results; starts no run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtau import columns as names
from rtau.errors import SourceOpenError, UsageError
from rtau.runs.outputs import run_record_of
from rtau.sinks import file_cell
from rtau.sources import expand_tables
from rtau.table import Table, library, read_csv, table_from_arrow


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ResultTable:
    """One table of an earlier run."""

    path: Path
    """The file."""
    name: Path
    """Its path below the folder it was found in, without the suffix."""
    table: Table
    """Its rows, with a column `file`."""
    record: Mapping[str, Any] | None
    """The run record beside it; None if there is none."""

    @property
    def thresholds(self) -> dict[str, float] | None:
        """Label to the model's threshold; None without a run record."""
        return thresholds_in(self.record or {}) or None

    @property
    def video(self) -> str | None:
        """The video it is about, as the run record names it."""
        source = None if self.record is None else self.record.get("source")
        return source.get("name") if source else None


def read_results(
    paths: Sequence[Path], *, left_out: Callable[[str], object] = lambda _: None
) -> Iterator[ResultTable]:
    """Yields the tables that files and folders mean, one at a time.

    Args:
        paths: tables, patterns and folders.
        left_out: is called with a line for each file of a folder that is no table of faces.

    Raises:
        SourceOpenError: a file cannot be read, or there is no table.
        UsageError: a file that is named is no table of faces.
    """
    count = 0
    for path in paths:
        for result in _in_folder(path, left_out) if path.is_dir() else _named(path):
            count += 1
            yield result
    if count == 0:
        places = ", ".join(map(str, paths))
        raise SourceOpenError(
            f"{places}: no table of faces; expected files that rtau video --csv or --out-dir wrote"
        )


def read_result(path: Path, *, name: Path) -> ResultTable:
    """Returns one table with its run record.

    Raises:
        SourceOpenError: it cannot be read.
        UsageError: it is no table of faces.
    """
    table = _read_parquet(path) if path.suffix == ".parquet" else read_csv(path)
    if names.FILE not in table.columns:
        files = np.full(len(table), file_cell(name.as_posix()), object)
        table = Table({names.FILE: files, **table.columns}, str(path))
    return ResultTable(path, name, table, read_record(run_record_of(path)))


@contextlib.contextmanager
def naming(result: ResultTable) -> Iterator[None]:
    """Puts the name of a table in front of the errors about it."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{result.path}: {error}") from error


def thresholds_in(record: Mapping[str, Any]) -> dict[str, float]:
    """Returns label to the model's threshold of a run record; empty where it names no model."""
    model = record.get("model") or {}
    return dict(zip(model.get("labels", ()), model.get("thresholds", ()), strict=True))


def read_record(path: Path) -> dict[str, Any] | None:
    """Returns a run record; None if there is none.

    Raises:
        SourceOpenError: it cannot be read, or is no run record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise SourceOpenError(f"{path}: not a run record that can be read ({error})") from error
    if not isinstance(record, dict) or not _is_record(record):
        raise SourceOpenError(f"{path}: not a run record; remove it, or name another table")
    return record


def _is_record(record: dict[str, Any]) -> bool:
    """Returns whether the parts that are read of a run record have their types."""
    model, source = record.get("model") or {}, record.get("source") or {}
    if not all(isinstance(part, dict) for part in (record.get("settings"), model, source)):
        return False
    labels, thresholds = model.get("labels", []), model.get("thresholds", [])
    return (
        isinstance(source.get("name", ""), str)
        and isinstance(labels, list)
        and isinstance(thresholds, list)
        and len(labels) == len(thresholds)
        and all(isinstance(label, str) for label in labels)
        and all(isinstance(value, (int, float)) for value in thresholds)
    )


def _named(path: Path) -> Iterator[ResultTable]:
    for file in expand_tables(path).files:
        yield read_result(file, name=Path(file.stem))


def _in_folder(folder: Path, left_out: Callable[[str], object]) -> Iterator[ResultTable]:
    """Yields the tables below a folder; a CSV and a Parquet file of one run count once.

    A table of several files whose own tables are there, too, is left out.
    """
    places = {
        path: path.relative_to(folder).with_suffix("") for path in expand_tables(folder).files
    }
    cells = {file_cell(name.as_posix()) for name in places.values()}
    seen: set[Path] = set()
    for path, name in places.items():
        if ".part" in path.suffixes or name in seen:
            continue
        try:
            result = read_result(path, name=name)
        except UsageError as error:
            left_out(str(error))
            continue
        files = set(result.table[names.FILE].tolist())
        if files and files <= cells - {file_cell(name.as_posix())}:
            left_out(f"{path}: holds the rows of the others")
            continue
        seen.add(name)
        yield result


def _read_parquet(path: Path) -> Table:
    try:
        table = library("pyarrow.parquet").read_table(path)
    except (OSError, library("pyarrow").ArrowException) as error:
        reason = str(error).partition("\n")[0]  # a schema may follow, a line per column
        raise SourceOpenError(f"{path}: cannot be read as Parquet ({reason})") from error
    if names.FRAME not in table.column_names:
        raise UsageError(f"{path}: not a table of faces")
    try:
        return table_from_arrow(table, source=str(path))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
