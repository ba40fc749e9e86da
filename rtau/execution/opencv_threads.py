"""Limits OpenCV to one thread in a run over a file, whose worker pool uses the cores.

The OpenCV calls of a run take a millisecond or two: waking OpenCV's own thread pool for them and
waiting for it costs more than it saves where another frame needs the core. The first frame is
searched at every turn, and no other frame can be worked on meanwhile. Used by the run over files
and by benchmarks that time its stages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

FILE_THREADS = 1


class _UserCount:
    """Counts the open contexts: OpenCV's number of threads is one per process."""

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

    def lift(self) -> None:
        with self._lock:
            if self._count:
                cv2.setNumThreads(self._before)

    def limit_again(self) -> None:
        with self._lock:
            if self._count:
                cv2.setNumThreads(FILE_THREADS)


_users = _UserCount()


@contextmanager
def single_threaded_opencv() -> Iterator[None]:
    """Limits OpenCV to `FILE_THREADS` in this process until the last open context ends."""
    _users.enter()
    try:
        yield
    finally:
        _users.leave()


@contextmanager
def own_opencv_threads() -> Iterator[None]:
    """Gives OpenCV back, for a while, the threads that `single_threaded_opencv` took from it."""
    _users.lift()
    try:
        yield
    finally:
        _users.limit_again()
