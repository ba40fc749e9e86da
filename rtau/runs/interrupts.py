"""Turns Ctrl-C and SIGTERM into a request to stop: files are finished, then the run ends.

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
# Service managers and containers send SIGTERM.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether a signal arrived within the `with` block."""

    def __init__(self) -> None:
        self.seen = False


@contextlib.contextmanager
def stopping_with(stop: Callable[[], None]) -> Iterator[Interrupts]:
    """Calls `stop` on the first Ctrl-C or SIGTERM inside the block, then restores the handlers."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only the main thread may install handlers
        return
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        interrupts.seen = True
        for each, handler in previous.items():
            signal.signal(each, handler)
        stop()

    for number in SIGNALS:
        signal.signal(number, handle)
    try:
        yield interrupts
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
