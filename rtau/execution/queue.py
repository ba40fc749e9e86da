"""The bounded queue between two threads of a run, with two policies for a full queue.

*Wait* blocks the producer, so that every item is consumed; *drop oldest* discards the oldest item,
so that the newest frame of a camera wins. Used by the worker pool for its stages, by asynchronous
sinks and by the reading thread of a live run.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")

# A bounded wait lets a signal handler run on platforms whose locks do not wake for one.
POLL_INTERVAL_S = 0.2


class BoundedQueue(Generic[Item]):
    """A bounded FIFO queue that keeps the reason why it ended.

    The consumer gets every item that was put before the end, except dropped ones. `items`, `size`,
    `is_ended` and `error` are read and changed under the lock of `changed` only.
    """

    def __init__(
        self,
        *,
        size: int,
        drops_oldest: bool = False,
        changed: threading.Condition | None = None,
        wait_until: Callable[[Callable[[], bool]], None] | None = None,
    ) -> None:
        """Makes an empty queue.

        Args:
            size: most items it holds.
            drops_oldest: whether `put` into a full queue discards the oldest item or waits.
            changed: condition to share with other queues; an own one by default.
            wait_until: returns once a predicate, called under the lock, is true; sleeps by default.
        """
        self.items: deque[Item] = deque()
        self.size = size
        self.is_ended = False
        """True once no item is accepted any more."""
        self.error: BaseException | None = None
        """What the producer or the consumer failed with."""
        self.dropped = 0
        """Items discarded so far by the drop policy."""
        self._drops_oldest = drops_oldest
        self._changed = changed or threading.Condition()
        self._wait_until = wait_until or self._sleep_until

    @property
    def has_room(self) -> bool:
        """True where another item fits without dropping one."""
        return len(self.items) < self.size

    def put(self, item: Item) -> bool:
        """Adds an item, as the policy says; returns False when the queue has ended."""
        if not self._drops_oldest:
            self._wait_until(lambda: self.has_room or self.is_ended)
        with self._changed:
            if self.is_ended:
                return False
            if not self.has_room:
                self.items.popleft()
                self.dropped += 1
            self.items.append(item)
            self._changed.notify_all()
        return True

    def fill(self, items: Iterable[Item]) -> None:
        """Puts items until they or the queue end; what the iterable raises is kept as `error`."""
        try:
            for item in items:
                if not self.put(item):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer
            self.end(error)
        else:
            self.end()

    def take(self, count: int) -> list[Item]:
        """Returns the next `count` items: fewer only at the end, none after it.

        Waits for all of them, so that a batch never depends on the speed of the producer; `count`
        may exceed `size`.
        """
        taken: list[Item] = []
        while len(taken) < count:
            self._wait_until(lambda: bool(self.items) or self.is_ended)
            with self._changed:
                if not self.items:
                    break
                taken.append(self.items.popleft())
                self._changed.notify_all()
        return taken

    def wait_for_item(self, timeout_s: float) -> bool:
        """Returns True once there is an item or the end, False if neither comes in a time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.items) or self.is_ended, timeout_s)

    def end(self, error: BaseException | None = None) -> None:
        """Accepts no further item; the first error given stays."""
        with self._changed:
            self.is_ended = True
            self.error = self.error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the queue and discards its items; a waiting producer returns."""
        with self._changed:
            self.items.clear()
            self.end()

    def _sleep_until(self, is_met: Callable[[], bool]) -> None:
        with self._changed:
            while not is_met():
                self._changed.wait(POLL_INTERVAL_S)
