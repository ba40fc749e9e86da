"""The standard streams of the command, which may be closed, full, or of a narrow encoding."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys

# What a stream that takes no text answers; the error then names no file.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EBADF, errno.EIO)
_STDIN, _STDOUT, _STDERR = 0, 1, 2


def prepare() -> None:
    """Makes closed streams harmless, and lets any name be printed.

    The next file that is opened would take the number of a closed stream, and with it whatever a
    library prints. Results that are written to a closed standard output still fail.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            flags = os.O_WRONLY if number == _STDERR else os.O_RDONLY
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    if sys.stdout is None:
        sys.stdout = open(_STDOUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(_STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stdout_fault() -> OSError | None:
    """Returns why standard output takes no text, and discards what it was to take; None if it does.

    Otherwise Python would fail to write it once more at exit.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None
