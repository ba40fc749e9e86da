"""Sinks write results: CSV, JSON lines, mp4, images, a window, a terminal, a progress line.

One public module per sink; this package checks output paths before a run.
"""

from rtau.sinks._numbers import calibrated_texts
from rtau.sinks._openface_rows import OpenFaceRows
from rtau.sinks._output_path import (
    STDOUT,
    check_distinct,
    check_format,
    check_output,
)
from rtau.sinks._part_file import FileLock, PartFile
from rtau.sinks._table_rows import TableRows, file_cell

__all__ = [
    "STDOUT",
    "FileLock",
    "OpenFaceRows",
    "PartFile",
    "TableRows",
    "calibrated_texts",
    "check_distinct",
    "check_format",
    "check_output",
    "file_cell",
]
