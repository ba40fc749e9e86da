"""The bounded queue between two threads of a run, with its two policies.

*wait* makes the reader wait, so that every frame is processed; *drop* throws out the oldest, so
that the newest frame of a camera wins. Used by `rtau.execution.prefetch` for live sources.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FrameQueue(Generic[Item]):
    """A bounded queue that knows how it ended.

    The reader ends it once, with or without an error; the consumer gets every item that was put
    before the end (but for those dropped), then the end.
    """

    def __init__(self, *, size: int, drops: bool) -> None:
        """Holds at most `size` items; `drops` chooses the policy."""
        self._items: deque[Item] = deque()
        self._size = size
        self._drops = drops
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._dropped = 0
        self._changed = threading.Condition()

    @property
    def dropped(self) -> int:
        """Items thrown out so far."""
        return self._dropped

    @property
    def error(self) -> BaseException | None:
        """What the reader failed with, once it has ended."""
        return self._error

    def put(self, item: Item) -> bool:
        """Adds an item; returns False when nobody will read it because the queue was closed."""
        with self._changed:
            while len(self._items) >= self._size and not self._closed:
                if self._drops:
                    self._items.popleft()
                    self._dropped += 1
                else:
                    self._changed.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def end(self, error: BaseException | None = None) -> None:
        """Says that no item follows, and why."""
        with self._changed:
            self._ended = True
            self._error = error
            self._changed.notify_all()

    def close(self) -> None:
        """Wakes a waiting reader and tells it to stop; items not yet taken are gone."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def take(self, count: int) -> list[Item]:
        """Returns the next `count` items, fewer only at the end, none when all were taken.

        Waits until it has them: what a batch holds never depends on how fast the reader is.
        Returns early, with what there is, when the queue is closed.
        """
        taken: list[Item] = []
        with self._changed:
            while len(taken) < count and not self._closed:
                if self._items:
                    taken.append(self._items.popleft())
                    self._changed.notify_all()
                elif self._ended:
                    break
                else:
                    # A bounded wait lets a signal handler run on platforms whose locks do not
                    # wake for one; the loop asks again.
                    self._changed.wait(timeout=0.2)
        return taken
