"""Sinks that write a table to memory or to a Parquet file.

They parse the cells of the CSV, so that the values of all three are equal to the last digit.
`Detector.table` opens the one, `--parquet` on the command line the other.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.protocols import SinkReport
from rtau.replacing import discard, not_written, part_of, place, real_target
from rtau.sinks._output_path import check_output
from rtau.sinks._table_rows import TableRows
from rtau.table import Table, joined, library, table_from_cells

# Rows kept as text before they are converted to columns: a few MB.
ROWS_AT_ONCE = 4096


class TableSink:
    """Keeps the rows of results in memory. Satisfies `rtau.protocols.Sink`."""

    name = "table"
    is_view = False
    is_slow = False
    wants_overlay = False

    def __init__(self, rows: TableRows) -> None:
        """`rows` makes the cells."""
        self._rows = rows
        self._cells: list[list[str]] = []
        self._tables = [table_from_cells(rows.names, [])]

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Takes the frame's rows."""
        self._cells += self._rows.cells(result)
        if len(self._cells) >= ROWS_AT_ONCE:
            self._tables.append(table_from_cells(self._rows.names, self._cells))
            self._cells = []

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing: the rows stay."""

    def table(self, *, source: str | None = None) -> Table:
        """Returns all rows so far; `source` is what they are of."""
        rest = table_from_cells(self._rows.names, self._cells)
        return joined([*self._tables, rest], source=source)


class ParquetSink:
    """Writes a Parquet file: all of it or nothing. Satisfies `rtau.protocols.Sink`.

    A run that fails or is stopped leaves a file of the frames before.
    """

    is_view = False
    is_slow = False
    wants_overlay = False

    def __init__(
        self, path: Path | str, rows: TableRows, *, rows_at_once: int = ROWS_AT_ONCE
    ) -> None:
        """Opens a file beside `path`, which takes its place at the end.

        Raises:
            BackendUnavailable: pyarrow is not installed.
            UsageError: the path is a directory.
            SinkError: the file cannot be written.
        """
        self.name = str(path)
        check_output(Path(path))
        self._rows = rows
        self._rows_at_once = rows_at_once
        self._cells: list[list[str]] = []
        self._target = real_target(path)
        self._part = part_of(self._target)
        schema = table_from_cells(rows.names, []).to_arrow().schema
        self._writer: Any = None
        self._writer = self._attempt(library("pyarrow.parquet").ParquetWriter, self._part, schema)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Takes the frame's rows.

        Raises:
            SinkError: the disk is full and the like; nothing is left.
        """
        self._cells += self._rows.cells(result)
        if len(self._cells) >= self._rows_at_once:
            self._flush()

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Finishes the file; may be called twice.

        Raises:
            SinkError: the rest of it cannot be written; nothing is left.
        """
        if self._writer is None:
            return
        self._flush()
        self._attempt(self._writer.close)
        self._writer = None
        self._attempt(place, self._part, self._target)

    def _flush(self) -> None:
        if self._cells:
            table = table_from_cells(self._rows.names, self._cells)
            self._attempt(self._writer.write_table, table.to_arrow())
            self._cells = []

    def _attempt(self, call: Any, *given: Any) -> Any:
        """Returns what a call gives; where it cannot write, removes what there is."""
        try:
            return call(*given)
        except OSError as error:
            if self._writer is not None:
                with contextlib.suppress(OSError):
                    self._writer.close()
            self._writer = None
            discard(self._part, self._target)
            raise SinkError(not_written(self.name, error)) from error
