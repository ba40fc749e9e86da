"""Turns Ctrl-C, SIGTERM and SIGHUP into a request to stop: files are finished, then the run ends.

A KeyboardInterrupt may be raised in the middle of a CSV row; a flag read between frames may not.
A second Ctrl-C raises KeyboardInterrupt, for a run that does not react.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# Exit code of an interrupted command, by convention of shells: 128 + SIGINT.
INTERRUPTED = 130
# Service managers and containers send SIGTERM; a terminal or an ssh connection that ends, SIGHUP
# (which Windows does not have).
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupts:
    """Whether a signal arrived within the `with` block."""

    def __init__(self) -> None:
        self.seen = False


@contextlib.contextmanager
def stopping_with(stop: Callable[[], None]) -> Iterator[Interrupts]:
    """Calls `stop` on the first such signal inside the block, then restores the handlers."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only the main thread may install handlers
        return
    previous = {number: signal.getsignal(number) for number in _heeded()}

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        interrupts.seen = True
        for each, handler in previous.items():
            signal.signal(each, handler)
        stop()

    for number in previous:
        signal.signal(number, handle)
    try:
        yield interrupts
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def raising_keyboard_interrupt() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise KeyboardInterrupt inside the block, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in _heeded()}
    del previous[signal.SIGINT]
    for number in previous:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _heeded() -> list[signal.Signals]:
    """Returns the signals that end a run; `nohup` has a hang-up ignored, and it stays so."""
    return [
        number
        for number in SIGNALS
        if number in SIGNALS[:2] or signal.getsignal(number) is not signal.SIG_IGN
    ]
