"""A thread that looks at frames while others are judged: from one queue to another.

What comes out is what one thread would have made, in the same order: one frame is looked at after
the other. Used by the runner for files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from rtau.frame_queue import FrameQueue

Before = TypeVar("Before")
After = TypeVar("After")


class LookAhead(Generic[Before, After]):
    """Takes items from a queue one by one, and puts what a function makes of each into its own."""

    def __init__(
        self, source: FrameQueue[Before], look: Callable[[Before], After], /, *, size: int
    ) -> None:
        """Reads from `source`; at most `size` results wait to be taken."""
        self._source = source
        self._look = look
        self.queue: FrameQueue[After] = FrameQueue(size=size, drops=False)
        self._thread = threading.Thread(target=self._run, name="rtau-look")

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self) -> None:
        """Waits for the thread to end, which it does soon once both queues are closed."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        """Whatever it fails with, and whatever the source's reader failed with, is handed on."""
        try:
            while items := self._source.take(1):
                if not self.queue.put(self._look(items[0])):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by who takes
            self.queue.end(error)
            self._source.close()
        else:
            self.queue.end(self._source.error)
