"""Messages of a run on standard error: its own lines, and the warnings of the process."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from rtau.shown import message

# Set for this process and the workers it starts where the messages of libraries are wanted.
VERBOSE = "RTAU_VERBOSE"
# OpenCV reads its level of messages from this variable when it is loaded.
OPENCV_LEVEL = "OPENCV_LOG_LEVEL"


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
        library, _, _ = record.name.rpartition(".")
        origin = "FFmpeg: " if library.startswith("libav") or record.name == "libav" else ""
        return f"rtau: {origin}{message(record.message)}"


def choose_messages(*, verbose: bool) -> None:
    """Has libraries print what they have to say, or nothing; before they are loaded.

    What goes wrong in them is told by rtau's own lines; theirs would stand among these. A level
    that is set for OpenCV is kept.
    """
    os.environ.pop(VERBOSE, None)
    if verbose:
        os.environ[VERBOSE] = "1"
    os.environ.setdefault(OPENCV_LEVEL, "WARNING" if verbose else "SILENT")


def log_to_stderr() -> None:
    """Prints warnings of this process on standard error, formatted like the command's own lines.

    As `choose_messages` has it, those of ONNX Runtime and FFmpeg too, which follow rtau's level.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("rtau").setLevel(logging.INFO if os.environ.get(VERBOSE) else logging.NOTSET)
    logging.raiseExceptions = False  # a full standard error costs the message only


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun: `1 frame`, `2 processes`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
