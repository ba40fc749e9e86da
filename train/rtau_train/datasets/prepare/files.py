"""Writes whole files or none, and turns a full disk into one clear line.

Knows nothing of what it writes. Called by everything here that writes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rtau.errors import SinkError


@contextlib.contextmanager
def writing(out: Path, /) -> Iterator[None]:
    """Runs a block that writes under `out`.

    Raises:
        SinkError: the disk is full or the folder may not be written.
    """
    try:
        yield
    except SinkError:
        raise
    except OSError as error:
        raise SinkError(
            f"{out}: cannot be written ({error.strerror or error}); mend that and run the same "
            "command again, it goes on from here"
        ) from None


def write_whole(path: Path, data: bytes, /) -> None:
    """Writes a file so that a crash leaves the old one or the new one, never half of one.

    What a killed run leaves has a fixed name, so the run that goes on takes it away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def holds(path: Path, data: bytes, /) -> bool:
    """True when a file is there and holds exactly these bytes."""
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
