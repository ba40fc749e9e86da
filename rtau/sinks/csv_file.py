"""A CSV file with a row per face and frame, in OpenFace's conventions or wholly in its style.

The column names are in `rtau/columns.py`, their meaning in docs/data-dictionary.md.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from rtau.data import FrameResult, Picture
from rtau.protocols import SinkReport
from rtau.sinks._line_file import LineFile
from rtau.sinks._openface_rows import OpenFaceRows
from rtau.sinks._table_rows import TableRows


class CsvSink:
    """Writes a CSV row per face, and one for a frame without any. Satisfies `rtau.protocols.Sink`.

    The header is written when the sink is built, and the rows of a frame in one call: a file of a
    killed process ends with a whole row. The same results give the same bytes.
    """

    is_view = False
    is_slow = False
    wants_overlay = False

    def __init__(
        self, path: Path | str, rows: TableRows | OpenFaceRows, *, overwrite: bool = True
    ) -> None:
        """Opens the file and writes its header.

        Args:
            path: the file, or `-` for standard output.
            rows: makes the cells.
            overwrite: False refuses a file that is already there.

        Raises:
            UsageError: the path is a directory, or exists and `overwrite` is False.
            SinkError: the file cannot be written.
        """
        self._rows = rows
        self._lines = LineFile(path, overwrite=overwrite)
        self.name = self._lines.name
        self._lines.write(_csv_text([self._rows.names]))

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Writes the frame's rows.

        Raises:
            SinkError: the disk is full and the like.
            StopRun: the reader of standard output closed the pipe.
        """
        self._lines.write(_csv_text(self._rows.cells(result)))

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._lines.close()


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
