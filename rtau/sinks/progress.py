"""One line of progress for runs that write files and show no view.

Rewrites its line on a terminal and adds a line at times anywhere else; goes to standard error, so
that results can go to standard output. The command line puts it beside the file sinks.
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
from rtau.status import StatusReader, progress_parts, speed_parts

# A line that changes faster flickers; a log wants a sign of life, not a film.
REFRESH_S, LINE_EVERY_S = 0.1, 5.0
# Return to the line's start and erase to its end: every terminal in use knows both.
_REWRITE = "\r\x1b[K"


class ProgressSink:
    """Says how far a run is: a bar with the time left, or plain lines.

    Args:
        stream: standard error, as a rule.
        status: asked before each line.
        clock: seconds that never go back.
        width: cells of the line, instead of the terminal's own.
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
        self._said_s: float | None = None
        self._is_open = True

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Says how far the run is, if the last time is long enough ago.

        Raises:
            SinkError: the stream is gone.
        """
        del result, picture  # how far it is, not what was seen
        now_s = self._clock()
        pause_s = REFRESH_S if self._is_terminal else LINE_EVERY_S
        if self._said_s is None:
            # The first moments have no rate yet; a log line without one says nothing.
            self._said_s = now_s
        elif now_s - self._said_s >= pause_s:
            self._said_s = now_s
            self._say()

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Clears the line, for the summary that follows; may be called twice."""
        if self._is_open and self._is_terminal and self._said_s is not None:
            self._put(_REWRITE)
        self._is_open = False

    def _say(self) -> None:
        status = self._status()
        if not self._is_terminal:
            self._put(", ".join([*progress_parts(status), *speed_parts(status)]) + "\n")
            return
        # One cell less: a full line would wrap on some terminals and could not be rewritten.
        width = (self._width or shutil.get_terminal_size().columns) - 1
        signs = au_panel.UNICODE if _speaks_unicode(self._stream) else au_panel.ASCII
        bar = au_panel.plain(au_panel.progress(status, width=width, signs=signs))
        speed = signs.between + speed_parts(status)[0]
        self._put(_REWRITE + (bar + speed if len(bar + speed) <= width else bar))

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self._is_open = False
            raise SinkError(f"progress cannot be written ({error.strerror or error})") from error


def _speaks_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
