"""A live view of every face's AU panel in a terminal, or plain lines if the stream is none.

Drawn at most ten times a second, in the caller's thread; the screen is restored when the run ends,
also after an error. `_au_panel.py` makes the lines.
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
from rtau.protocols import SinkReport, StopRun
from rtau.sinks import _au_panel as au_panel
from rtau.sinks._au_panel import LINE_EVERY_S, REFRESH_S
from rtau.sinks._keyboard import Keyboard
from rtau.status import StatusReader, ViewControls, ViewStatus, progress_parts, speed_parts

_STYLES = {
    au_panel.PLAIN: "default",
    au_panel.DIM: "bright_black",
    au_panel.STRONG: "bold",
    au_panel.ACTIVE: "bold yellow",
    au_panel.TICK: "white",
    au_panel.TITLE: "bold cyan",
}
KEYS = (
    ("q", "end the run"),
    ("space", "pause and go on"),
    ("n", "take the neutral face (cameras)"),
    ("h", "this list"),
)
_FOOTER, _FOOTER_KEYS = "Ctrl-C ends the run", "q ends the run, space pauses, h: keys"
_PAUSED = "paused: space goes on, q ends the run"


@dataclasses.dataclass(frozen=True, slots=True)
class Dashboard:
    """The whole view at one moment, as a rich renderable."""

    status: ViewStatus
    faces: tuple[au_panel.Face, ...]
    thresholds: tuple[float, ...]
    has_keys: bool = False
    shows_keys: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yields the lines of text."""
        signs = au_panel.ASCII if options.ascii_only else au_panel.UNICODE
        width, height = options.max_width, options.height or console.height
        top = au_panel.header(self.status, width=width, signs=signs)
        if self.shows_keys:
            board = au_panel.keys(KEYS, width=width)
        else:
            board = au_panel.board(
                self.faces,
                thresholds=self.thresholds,
                width=width,
                height=max(1, height - len(top) - 4),
                signs=signs,
            )
        blank: au_panel.Line = (("", au_panel.PLAIN),)
        words = _FOOTER_KEYS if self.has_keys else _FOOTER
        footer: au_panel.Line = ((words[:width], au_panel.DIM),)
        if self.status.is_paused:
            footer = ((_PAUSED[:width], au_panel.ACTIVE),)
        for line in (*top, blank, *board, blank, footer):
            yield _text(line)


class TerminalSink:
    """Shows AU panels in a terminal; in a pipe, prints a line every few seconds.

    Args:
        stream: a terminal or another text stream.
        status: called before each drawing.
        thresholds: one per label, the positions of the ticks.
        controls: changed by keys; None for controls of its own.
        clock: monotonic, seconds.
        size: width and height in cells; None for the terminal's size.
        keys: where keys are read, if it is a terminal too; None for no keys.
        decisions: gives each result, in order, the decisions to show; None for its own.
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
        controls: ViewControls | None = None,
        clock: Callable[[], float] = time.monotonic,
        size: tuple[int, int] | None = None,
        keys: TextIO | None = None,
        decisions: Callable[[FrameResult], FrameResult] | None = None,
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
        self._keyboard = Keyboard(keys if self._is_screen else None)
        self._controls = controls or ViewControls()
        self._shows_keys = False
        self._decisions = decisions or (lambda result: result)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Draws a result, unless the last drawing is too recent.

        Raises:
            StopRun: the user pressed q.
            SinkError: the terminal or the pipe is closed.
        """
        del picture
        self._latest = self._decisions(result)
        self._refresh()
        self._handle(self._keyboard.poll())

    def idle(self) -> None:
        """Shows the status and takes keys while no frame comes.

        Raises:
            StopRun: the user pressed q.
            SinkError: the terminal or the pipe is closed.
        """
        if self._latest is not None:
            self._refresh()
        self._handle(self._keyboard.poll())

    def _handle(self, key: str) -> None:
        if key == "q":
            raise StopRun("q was pressed")
        if key == "h":
            self._shows_keys = not self._shows_keys
        elif key == " ":
            self._controls.toggle_pause()
        elif key == "n":
            self._controls.take_neutral()
        if key in ("h", "n", " ") and self._latest is not None:
            self._draw()

    def _refresh(self) -> None:
        now_s = self._clock()
        pause_s = REFRESH_S if self._is_screen else LINE_EVERY_S
        if self._drawn_s is None or now_s - self._drawn_s >= pause_s:
            self._drawn_s = now_s
            self._draw()

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Restores the screen; may be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        self._keyboard.close()
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
            shown = Dashboard(
                self._status(),
                faces,
                self._thresholds,
                has_keys=self._keyboard.is_open,
                shows_keys=self._shows_keys,
            )
            self._live.update(shown, refresh=True)
        except OSError as error:
            self._is_closed = True
            self._keyboard.close()
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
        parts = [*progress_parts(status), *speed_parts(status), *status.notices]
        shown = [au_panel.sentence(face) for face in faces] or ["no face"]
        self._stream.write(" | ".join([", ".join(parts), *shown]) + "\n")
        self._stream.flush()


def _text(line: au_panel.Line) -> Text:
    spans = [(text, _STYLES[style]) for text, style in line]
    return Text.assemble(*spans, no_wrap=True, overflow="crop")
