"""Keys pressed in a terminal, one by one and without waiting for the return key."""

from __future__ import annotations

import contextlib
import os
import select
from typing import Any, TextIO


class Keyboard:
    """Reads single keys; where the stream is no terminal there are none."""

    def __init__(self, stream: TextIO | None) -> None:
        """Switches a terminal to single keys until `close`; Ctrl-C stays what it is."""
        self._fd: int | None = None
        self._before: Any = None
        with contextlib.suppress(ImportError, OSError, ValueError):  # no terminal, or not POSIX
            import termios  # noqa: PLC0415 - POSIX only
            import tty  # noqa: PLC0415 - POSIX only

            if stream is None or not stream.isatty():
                return
            fd = stream.fileno()
            # A run in the background may not touch the terminal: it would be stopped.
            if os.tcgetpgrp(fd) != os.getpgrp():
                return
            self._before = termios.tcgetattr(fd)
            tty.setcbreak(fd)
            self._fd = fd

    @property
    def is_open(self) -> bool:
        """True where keys are read."""
        return self._fd is not None

    def poll(self, wait_s: float = 0.0) -> str:
        """Returns a key pressed within a time, or an empty text."""
        if self._fd is None:
            return ""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        return os.read(self._fd, 1).decode("latin-1") if ready else ""

    def close(self) -> None:
        """Gives the terminal back as it was; may be called twice."""
        fd, self._fd = self._fd, None
        if fd is not None:
            import termios  # noqa: PLC0415 - there is one, or `fd` were None

            with contextlib.suppress(OSError, termios.error):  # the terminal may be gone
                termios.tcsetattr(fd, termios.TCSADRAIN, self._before)
