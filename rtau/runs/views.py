"""Which live view a run shows: the one asked for, or the one that fits where it runs.

Builds views, draws nothing itself. Used by the verbs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rtau.errors import SinkError, UsageError
from rtau.protocols import Sink
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session
from rtau.sinks.progress import ProgressSink
from rtau.sinks.terminal import TerminalSink
from rtau.sinks.window import WindowSink


def build_view(session: Session, outputs: Outputs) -> Sink:
    """Returns the view of a run.

    `auto` is a window for a camera where there is a display, otherwise the terminal; for files it
    is the terminal when nothing is written, otherwise a progress bar on standard error.

    Raises:
        SinkError: a window was asked for and there is no display.
        UsageError: nothing would be seen or kept.
    """
    return _BUILDERS[_chosen(session, outputs)](session)


def _chosen(session: Session, outputs: Outputs) -> str:
    wanted = session.config.output.view
    if wanted == "terminal" and outputs.uses_stdout:
        raise UsageError("--view terminal and a result on standard output cannot share it")
    if wanted == "none" and not outputs.keeps_something:
        raise UsageError("--view none and no output: name one, such as --csv out.csv")
    if wanted != "auto":
        return "progress" if wanted == "none" else wanted
    if outputs.keeps_something and not session.source.is_live:
        return "progress"
    if session.source.is_live:
        return "window or progress" if outputs.uses_stdout else "window or terminal"
    return "terminal"


def _window(session: Session) -> Sink:
    title = f"rtau - {session.source.info.name}"
    return WindowSink(title, controls=session.controls, status=session.status)


def _terminal(session: Session) -> Sink:
    thresholds = session.engine.contract.thresholds
    return TerminalSink(sys.stdout, status=session.status, thresholds=thresholds)


def _progress(session: Session) -> Sink:
    return ProgressSink(sys.stderr, status=session.status)


def _window_or(other: Callable[[Session], Sink]) -> Callable[[Session], Sink]:
    """Returns a builder of a window where one can be opened, and of the other view elsewhere."""

    def build(session: Session) -> Sink:
        try:
            return _window(session)
        except SinkError:
            return other(session)  # `auto` promises what fits, and the view says which it is

    return build


_BUILDERS: dict[str, Callable[[Session], Sink]] = {
    "window": _window,
    "terminal": _terminal,
    "progress": _progress,
    "window or terminal": _window_or(_terminal),
    "window or progress": _window_or(_progress),
}
