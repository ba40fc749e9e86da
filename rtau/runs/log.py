"""Messages of a run on standard error: its own lines, and the warnings of the process."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from rtau.shown import message


def say(line: str) -> None:
    """Prints one line on standard error, prefixed with the name of the command.

    Where standard error takes nothing (a full disk, a closed terminal), the line is lost.
    """
    with messages_may_be_lost():
        print(f"rtau: {message(line)}", file=sys.stderr, flush=True)  # noqa: T201 - for the user


@contextlib.contextmanager
def messages_may_be_lost() -> Iterator[None]:
    """Points standard error at nothing if it takes nothing inside the block."""
    try:
        yield
    except OSError:
        # What is left in its buffer goes there too, instead of failing at exit.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class _Line(logging.Formatter):
    """Formats a warning like the command's own lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return f"rtau: {message(record.message)}"


def log_to_stderr() -> None:
    """Prints warnings of this process on standard error, formatted like the command's own lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.raiseExceptions = False  # a full standard error costs the message only


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 frame`, `2 processes`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
