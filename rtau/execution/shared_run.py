"""A run that is ended from outside: one thread pulls its results, and any may end it.

A generator cannot be closed while another thread waits in it. `rtau.detector` calls it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator

from rtau.data import FrameResult
from rtau.execution.runner import Runner

# How long a read of a camera or a stream in another thread may take to end.
_PATIENCE_S = 10.0


class SharedRun:
    """A run that one thread pulls through its results, and that any thread may end."""

    def __init__(self, runner: Runner) -> None:
        """Takes a runner that has not begun."""
        self._runner = runner
        self._results = runner.results()
        self._lock = threading.Lock()

    def results(self) -> Generator[FrameResult, None, None]:
        """Yields the results; ends the run when the generator is closed."""
        try:
            while (result := self._next()) is not None:
                yield result
        finally:
            self.end()

    def end(self) -> None:
        """Ends the run: a thread that waits for a result gets no further one."""
        self._runner.stop()
        if self._lock.acquire(timeout=_PATIENCE_S):
            try:
                self._results.close()
            finally:
                self._lock.release()

    def _next(self) -> FrameResult | None:
        with self._lock:
            return next(self._results, None)
