"""Checks output paths before the first frame: writable, and not one of the inputs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from rtau.errors import SinkError, UsageError

# As an output path: standard output.
STDOUT = "-"
SPREADSHEET = "a spreadsheet"
# Suffix -> what a file of that name holds.
FORMATS = {
    ".csv": "CSV",
    ".tsv": "tab-separated values",
    ".parquet": "Parquet",
    ".jsonl": "JSON lines",
    ".mp4": "a video",
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), SPREADSHEET),
}


def check_output(path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = True) -> None:
    """Raises unless a file can be written at `path` without destroying an input.

    Args:
        path: the output; it need not exist.
        inputs: files that the same run reads.
        overwrite: False refuses a file that is already there.

    Raises:
        UsageError: the path is a directory, an input or a ring of links, or exists and
            `overwrite` is False.
        SinkError: its directory is missing or not writable.
    """
    if "\0" in str(path):
        raise UsageError(f"output {path} is no name of a file: it has a zero byte")
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UsageError(
                f"output {path} is a link that leads in a ring; remove it or choose another name"
            ) from None
    if path.is_dir():
        raise UsageError(f"output {path} is a directory; name a file, such as {path / 'out'}")
    for other in inputs:
        if is_same_file(path, other):
            raise UsageError(
                f"output {path} is the input {other}; writing it would destroy it: choose another "
                "name"
            )
    if path.exists() and not overwrite:
        raise UsageError(f"output {path} already exists; choose another name or remove it")
    _check_writable(path)


def check_distinct(path: Path, others: Iterable[Path]) -> None:
    """Raises UsageError if an output is one of the others of its run."""
    if any(is_same_file(path, other) for other in others):
        raise UsageError(f"two outputs have the same name: {path}; choose another")


def check_format(
    path: Path, *, flag: str, holds: str, flags: Mapping[str, str] | None = None
) -> None:
    """Raises UsageError if the name of an output promises another format than its flag writes.

    Args:
        path: the output.
        flag: its flag.
        holds: the format that the flag writes.
        flags: format -> flag of the other outputs of the same command.
    """
    promised = FORMATS.get(path.suffix.lower(), holds)
    if promised == holds:
        return
    suffix = next(suffix for suffix, kind in FORMATS.items() if kind == holds)
    way = f"name it {path.with_suffix(suffix)}"
    wanted = promised
    if promised == SPREADSHEET:
        way += ", which spreadsheets open" if holds == "CSV" else ""
        wanted = "Parquet" if holds == "CSV" else "CSV"
    if flags and wanted in flags:
        way += f", or give {flags[wanted]} FILE"
    raise UsageError(f"{flag} writes {holds}, and {path} would be {promised}; {way}")


def is_same_file(one: Path, other: Path) -> bool:
    """Returns True if both paths are of one file, with links and relative parts resolved."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _check_writable(path: Path) -> None:
    directory = path.parent
    if not directory.is_dir():
        raise SinkError(
            f"{path} cannot be written: the directory {directory} does not exist; create it or "
            "choose another place"
        )
    target = path if path.exists() else directory
    if not os.access(target, os.W_OK):
        raise SinkError(
            f"{path} cannot be written: no permission to write {target}; choose another place"
        )
