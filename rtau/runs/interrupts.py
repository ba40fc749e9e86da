"""Ctrl-C and SIGTERM as a request to stop: files are finished, then the run ends.

A KeyboardInterrupt can strike in the middle of a CSV row; a flag that the runner looks at between
frames cannot. A second Ctrl-C is the ordinary interrupt, for a run that does not react.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# Exit code of an interrupted command: 128 + SIGINT, as shells count.
INTERRUPTED = 130
# SIGTERM is what service managers and containers send.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether, within the `with` block that made it, the user asked to stop."""

    def __init__(self) -> None:
        self.seen = False


@contextlib.contextmanager
def stopping_with(stop: Callable[[], None]) -> Iterator[Interrupts]:
    """Calls `stop` on the first Ctrl-C or SIGTERM inside the block, then restores the handlers."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts  # only the main thread may install handlers; a program has its own
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
