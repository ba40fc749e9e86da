"""Chooses and opens the live view of a run: a window, the terminal, or a progress bar."""

from __future__ import annotations

import contextlib
import sys

from rtau.errors import SinkError, UsageError
from rtau.protocols import Sink
from rtau.runs.build import is_streaming, shown_decisions
from rtau.runs.session import Session
from rtau.shown import message
from rtau.sinks.progress import ProgressSink


def open_view(session: Session) -> Sink:
    """Returns the open view of a run.

    `auto` opens a window for a camera where there is a display, otherwise the terminal. For files
    it is the terminal when nothing is written, otherwise a progress bar on standard error.

    Raises:
        SinkError: a window was asked for and there is no display.
        UsageError: nothing would be shown or written.
    """
    view, outputs = session.config.output.view, session.outputs
    if view == "terminal" and outputs.uses_stdout:
        raise UsageError(
            "--view terminal and a result on standard output exclude each other; "
            "write the result to a file or choose --view none"
        )
    is_heard = outputs.keeps_something or is_streaming(session.config)
    if view == "none" and not is_heard:
        raise UsageError("--view none without an output: name one, such as --csv out.csv")
    if view == "window":
        return _window(session)
    is_live = session.source.is_live
    if view == "auto" and is_live:
        with contextlib.suppress(SinkError):  # no display
            return _window(session)
    has_results = outputs.uses_stdout if is_live else outputs.keeps_something
    if view == "terminal" or (view == "auto" and not has_results):
        # rich takes a tenth of the time until the first result; most runs over files go without.
        from rtau.sinks.terminal import TerminalSink  # noqa: PLC0415

        contract = session.model.engine.contract
        return TerminalSink(
            sys.stdout,
            status=session.status,
            thresholds=contract.thresholds,
            decisions=shown_decisions(session.config, contract, is_sequence=True),
            controls=session.controls,
            keys=sys.stdin,
        )
    return ProgressSink(sys.stderr, status=session.status)


def _window(session: Session) -> Sink:
    from rtau.sinks.window import WindowSink  # noqa: PLC0415 - as the terminal's

    title = f"rtau - {message(session.source.info.name)}"
    return WindowSink(title, controls=session.controls, status=session.status)
