"""Writes an output whole or not at all: an interrupted command leaves the file of the one before.

The file is written under a temporary name beside its own and takes its name when it is complete; a
lock keeps two commands from writing one output. Called by everything here and in `rtau_export` that
writes a result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rtau.errors import SinkError
from rtau.sinks import PartFile


@contextlib.contextmanager
def whole_file(target: Path, /) -> Iterator[Path]:
    """Yields the path to write a file at; it takes its name if the block ends without an error.

    Raises:
        UsageError: another command is writing it.
        SinkError: the disk is full or the folder may not be written.
    """
    part = PartFile(target)
    try:
        yield part.path
        part.place()
    except OSError as error:
        part.discard()
        if isinstance(error, SinkError):
            raise
        raise SinkError(f"{target}: cannot be written ({error.strerror or error})") from None
    except BaseException:
        part.discard()
        raise
    finally:
        part.release()


def write_whole(target: Path, content: str | bytes, /) -> None:
    """Writes text as UTF-8, or bytes.

    Raises:
        UsageError: another command is writing it.
        SinkError: the disk is full or the folder may not be written.
    """
    with whole_file(target) as path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
