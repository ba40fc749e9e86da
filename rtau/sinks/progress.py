"""A progress line for runs that write files and show no view.

On a terminal the line is rewritten; elsewhere a line is added every few seconds. Results may go to
standard output, so this goes to standard error.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.protocols import SinkReport
from rtau.sinks import _au_panel as au_panel
from rtau.sinks._au_panel import LINE_EVERY_S, REFRESH_S
from rtau.status import StatusReader, progress_parts, speed_parts

# Carriage return, and erase to the end of the line.
_REWRITE = "\r\x1b[K"


class ProgressSink:
    """Prints a run's progress: a bar with the time left, or plain lines.

    Args:
        stream: standard error, usually.
        status: called before each line.
        clock: monotonic, seconds.
        width: cells of the line; None for the terminal's width.
    """

    name = "progress"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        stream: TextIO,
        *,
        status: StatusReader,
        clock: Callable[[], float] = time.monotonic,
        width: int | None = None,
    ) -> None:
        self._stream = stream
        self._status = status
        self._clock = clock
        self._width = width
        self._is_terminal = stream.isatty()
        self._printed_s: float | None = None
        self._is_open = True

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Prints the progress, unless the last line is too recent.

        Raises:
            SinkError: the stream is closed.
        """
        del result, picture
        self.idle()

    def idle(self) -> None:
        """Prints the progress also while no frame comes.

        Raises:
            SinkError: the stream is closed.
        """
        now_s = self._clock()
        pause_s = REFRESH_S if self._is_terminal else LINE_EVERY_S
        if self._printed_s is None:
            # There is no frame rate yet.
            self._printed_s = now_s
        elif now_s - self._printed_s >= pause_s:
            self._printed_s = now_s
            self._print()

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Clears the line for the summary that follows; may be called twice."""
        if self._is_open and self._is_terminal and self._printed_s is not None:
            self._put(_REWRITE)
        self._is_open = False

    def _print(self) -> None:
        status = self._status()
        if not self._is_terminal:
            self._put(
                ", ".join([*progress_parts(status), *speed_parts(status), *status.notices]) + "\n"
            )
            return
        # One cell less: on some terminals a full line wraps and cannot be rewritten.
        width = (self._width or shutil.get_terminal_size().columns) - 1
        signs = au_panel.UNICODE if _has_unicode(self._stream) else au_panel.ASCII
        bar = au_panel.plain(au_panel.progress(status, width=width, signs=signs))
        speed = signs.between.join(["", *status.notices, speed_parts(status)[0]])
        self._put(_REWRITE + (bar + speed if len(bar + speed) <= width else bar))

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self._is_open = False
            raise SinkError(f"progress cannot be written ({error.strerror or error})") from error


def _has_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
