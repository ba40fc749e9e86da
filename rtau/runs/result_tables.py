"""Tables of earlier runs with their run records: which files a list of files and folders means.

Every table gets a column `file`, so that the rows of several can stand in one. Called by the
commands that work on results; starts no run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtau import columns as names
from rtau.errors import SourceOpenError, UsageError
from rtau.runs.outputs import RECORD_SUFFIX
from rtau.sources import expand_tables
from rtau.table import Table, library, read_csv, table_from_arrow

# What makes a cell a formula in spreadsheets (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BATCH_RECORD = "batch.json"


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
        model = None if self.record is None else self.record.get("model")
        if not model:
            return None
        return dict(zip(model["labels"], model["thresholds"], strict=True))

    @property
    def video(self) -> str | None:
        """The video it is about, as the run record names it."""
        source = None if self.record is None else self.record.get("source")
        return source["name"] if source else None


@dataclasses.dataclass(frozen=True, slots=True)
class FoundTables:
    """The tables that were found, and what was left out of folders."""

    tables: tuple[ResultTable, ...]
    """In the order of the names."""
    left_out: tuple[str, ...] = ()
    """Files of folders that are no tables of faces, with the reason."""


def read_results(paths: Sequence[Path]) -> FoundTables:
    """Returns the tables that files and folders mean; folders are searched to their ends.

    Raises:
        SourceOpenError: a file cannot be read, or there is no table.
        UsageError: a file that is named is no table of faces.
    """
    found: list[ResultTable] = []
    left_out: list[str] = []
    for path in paths:
        if path.is_dir():
            _read_folder(path, found, left_out)
        else:
            files = expand_tables(path)
            found += [read_result(file, name=Path(file.stem)) for file in files]
    if not found:
        places = ", ".join(map(str, paths))
        raise SourceOpenError(
            f"{places}: no table of faces; expected files that rtau video --csv or --out-dir wrote"
        )
    return FoundTables(tuple(found), tuple(left_out))


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
    return ResultTable(path, name, table, read_record(path.with_suffix(RECORD_SUFFIX)))


def read_record(path: Path) -> dict[str, Any] | None:
    """Returns a run record; None if there is none.

    Raises:
        SourceOpenError: it cannot be read, or is no run record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SourceOpenError(f"{path}: not a run record that can be read ({error})") from error
    if not isinstance(record, dict) or "settings" not in record:
        raise SourceOpenError(f"{path}: not a run record; remove it, or name another table")
    return record


def file_cell(name: str) -> str:
    """Returns the name of a file as a cell: `./=1`, where a spreadsheet would evaluate it."""
    return f"./{name}" if name.startswith(FORMULA_STARTS) else name


def _read_folder(folder: Path, found: list[ResultTable], left_out: list[str]) -> None:
    """Adds the tables below a folder; a CSV and a Parquet file of one run count once."""
    merged = _merged_of(folder)
    seen: set[Path] = set()
    for path in expand_tables(folder):
        name = path.relative_to(folder).with_suffix("")
        if ".part" in path.suffixes or name in seen:
            continue
        if name in merged:
            left_out.append(f"{path}: holds the rows of the others")
            continue
        try:
            found.append(read_result(path, name=name))
            seen.add(name)
        except UsageError as error:
            left_out.append(str(error))


def _merged_of(folder: Path) -> set[Path]:
    """Returns the tables of a batch that hold the rows of all its files."""
    record = folder / BATCH_RECORD
    if not record.is_file():
        return set()
    try:
        merged = json.loads(record.read_text(encoding="utf-8")).get("merged", {})
    except (OSError, ValueError, AttributeError) as error:
        raise SourceOpenError(f"{record}: not a batch record that can be read ({error})") from error
    return {Path(name).with_suffix("") for name in merged.values()}


def _read_parquet(path: Path) -> Table:
    try:
        table = library("pyarrow.parquet").read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise SourceOpenError(f"{path}: cannot be read as Parquet ({error})") from error
    if names.FRAME not in table.column_names:
        raise UsageError(f"{path}: not a table of faces")
    return table_from_arrow(table, source=str(path))
