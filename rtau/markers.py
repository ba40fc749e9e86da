"""Events that somebody marks while a run goes on, and the queue in which they wait for a frame.

The dashboard's button and the marker inlet of LSL add markers from threads of their own; the runner
takes them and gives them to the next result.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable

# Longer labels are cut; more markers than these waiting for one frame are refused.
MAX_LABEL = 80
MAX_WAITING = 256


@dataclasses.dataclass(frozen=True, slots=True)
class Marker:
    """One event."""

    label: str
    """One line of printable text, not empty."""
    time_s: float
    """When it happened, on the clock of `Frame.time_s`, seconds."""


class Markers:
    """A queue of events, safe from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        """`clock` is the one of `FrameResult.received_s`."""
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[float, str]] = deque()

    def add(self, label: str, *, at_s: float | None = None) -> bool:
        """Adds an event that happens now, or at `at_s` on the clock; returns False if it is full.

        Characters that cannot be printed are replaced by spaces; an empty label becomes `event`.
        """
        plain = "".join(one if one.isprintable() else " " for one in label[: 4 * MAX_LABEL])
        text = " ".join(plain.split())[:MAX_LABEL] or "event"
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                return False
            self._waiting.append((self._clock() if at_s is None else at_s, text))
        return True

    @property
    def waiting(self) -> int:
        """How many events no frame has taken yet."""
        return len(self._waiting)

    def take(self, *, time_s: float, received_s: float | None) -> tuple[Marker, ...]:
        """Returns the events up to one frame, and removes them.

        Args:
            time_s: of the frame; a time of its source.
            received_s: when a live frame was received, on the clock: events after that wait for
                the next frame, and those before get a time on the frame's clock. None for frames
                of a file, which take all events, at their own time.
        """
        with self._lock:
            if received_s is None:
                taken = [(time_s, label) for _, label in self._waiting]
                self._waiting.clear()
            else:
                due = [one for one in self._waiting if one[0] <= received_s]
                self._waiting = deque(one for one in self._waiting if one[0] > received_s)
                taken = [(time_s - (received_s - at_s), label) for at_s, label in due]
        return tuple(Marker(label, at_s) for at_s, label in taken)
