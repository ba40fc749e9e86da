"""How many threads OpenCV takes: one while a file is worked on, whose own threads have the cores.

What OpenCV is asked here takes a millisecond or two: to wake a pool for it, and to wait for that,
costs more than it saves wherever another frame waits for the core. Used by the runner, and by
benchmarks that time what a run does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

FILE_THREADS = 1


class _Users:
    """Who has asked for few threads; the number is the process's, whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before = FILE_THREADS

    def enter(self) -> None:
        with self._lock:
            if self._count == 0:
                self._before = cv2.getNumThreads()
                cv2.setNumThreads(FILE_THREADS)
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                cv2.setNumThreads(self._before)


_users = _Users()


@contextmanager
def as_for_files() -> Iterator[None]:
    """Bounds OpenCV's threads in this process until the last who asked has left."""
    _users.enter()
    try:
        yield
    finally:
        _users.leave()
