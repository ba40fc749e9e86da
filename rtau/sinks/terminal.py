"""A live view of every face's readings in a terminal, or plain lines where there is none.

Draws seldom and on the caller's thread, so it costs little and leaves nothing running; the screen
is given back when the run ends, however it ends. What the lines say is made in _au_panel.py.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.protocols import SinkReport
from rtau.sinks import _au_panel as au_panel
from rtau.status import StatusReader, ViewStatus, progress_parts, speed_parts

# Faster than this nobody reads, and drawing would take time from the model.
REFRESH_S = 0.1
# A log wants a sign of life, not a film.
LINE_EVERY_S = 5.0

_STYLES = {
    au_panel.PLAIN: "default",
    au_panel.DIM: "bright_black",
    au_panel.STRONG: "bold",
    au_panel.ACTIVE: "bold yellow",
    au_panel.TICK: "white",
    au_panel.TITLE: "bold cyan",
}
_FOOTER = "Ctrl-C ends the run"


@dataclasses.dataclass(frozen=True, slots=True)
class Dashboard:
    """The whole view of one moment: a value that renders itself to the console it is given."""

    status: ViewStatus
    faces: tuple[au_panel.Face, ...]
    thresholds: tuple[float, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yields a line of text each."""
        signs = au_panel.ASCII if options.ascii_only else au_panel.UNICODE
        width, height = options.max_width, options.height or console.height
        top = au_panel.header(self.status, width=width, signs=signs)
        board = au_panel.board(
            self.faces,
            thresholds=self.thresholds,
            width=width,
            height=max(1, height - len(top) - 4),
            signs=signs,
        )
        blank: au_panel.Line = (("", au_panel.PLAIN),)
        footer: au_panel.Line = ((_FOOTER[:width], au_panel.DIM),)
        for line in (*top, blank, *board, blank, footer):
            yield _text(line)


class TerminalSink:
    """Shows readings in a terminal at most ten times a second; in a pipe, a line at times.

    Args:
        status: asked for the header before each drawing.
        thresholds: one per label, where the ticks stand.
        stream: a terminal or anything else that takes text.
        clock: seconds that never go back.
        size: width and height in cells, instead of the terminal's own.
    """

    name = "terminal"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        stream: TextIO,
        *,
        status: StatusReader,
        thresholds: Sequence[float],
        clock: Callable[[], float] = time.monotonic,
        size: tuple[int, int] | None = None,
    ) -> None:
        self._stream = stream
        self._status = status
        self._thresholds = tuple(thresholds)
        self._clock = clock
        self._size = size
        self._live: Live | None = None
        self._latest: FrameResult | None = None
        self._drawn_s: float | None = None
        self._is_screen = stream.isatty()
        self._is_closed = False

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Takes a result and draws it if the last drawing is long enough ago.

        Raises:
            SinkError: the terminal or the pipe is gone.
        """
        del picture  # a terminal shows numbers
        self._latest = result
        now_s = self._clock()
        pause_s = REFRESH_S if self._is_screen else LINE_EVERY_S
        if self._drawn_s is None or now_s - self._drawn_s >= pause_s:
            self._drawn_s = now_s
            self._draw()

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Gives the screen back as it was; may be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _draw(self) -> None:
        assert self._latest is not None
        faces = tuple(au_panel.faces_of(self._latest))
        try:
            if not self._is_screen:
                self._write_line(faces)
                return
            if self._live is None:
                self._live = self._begin()
            self._live.update(Dashboard(self._status(), faces, self._thresholds), refresh=True)
        except OSError as error:
            self._is_closed = True
            self._live = None
            raise SinkError(
                f"the terminal view cannot write ({error.strerror or error}); use --view none"
            ) from error

    def _begin(self) -> Live:
        width, height = self._size or (None, None)
        console = Console(
            file=self._stream, force_terminal=True, highlight=False, width=width, height=height
        )
        live = Live(
            console=console, screen=True, auto_refresh=False,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        live.start()
        return live

    def _write_line(self, faces: Sequence[au_panel.Face]) -> None:
        status = self._status()
        parts = [*progress_parts(status), *speed_parts(status)]
        shown = [au_panel.sentence(face) for face in faces] or ["no face"]
        self._stream.write(" | ".join([", ".join(parts), *shown]) + "\n")
        self._stream.flush()


def _text(line: au_panel.Line) -> Text:
    spans = [(text, _STYLES[style]) for text, style in line]
    return Text.assemble(*spans, no_wrap=True, overflow="crop")
