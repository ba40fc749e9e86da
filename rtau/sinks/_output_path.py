"""The checks an output file passes before the first frame is processed.

A run of an hour must not end with "no such directory", and an input must never be overwritten.
Opens nothing for keeps; called by the file sinks and, for all inputs at once, by the command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from rtau.errors import SinkError, UsageError

# As an output path: standard output.
STDOUT = "-"


def check_output(path: Path, *, inputs: Iterable[Path] = (), overwrite: bool = True) -> None:
    """Returns when a file can be written at `path` without harm.

    Args:
        path: where the output will be; need not exist.
        inputs: files that are read in the same run.
        overwrite: False refuses a file that is already there.

    Raises:
        UsageError: the path is a directory, is one of the inputs, or exists and must not be lost.
        SinkError: its directory is missing or does not let us write.
    """
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


def is_same_file(one: Path, other: Path) -> bool:
    """Returns True when both names lead to one file: links, `..` and relative names resolved."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


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
