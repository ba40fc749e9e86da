"""A thread that asks for something again and again, for what can only be polled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 5.0


class Poller:
    """Calls a function at intervals until `close`; the first error ends it, with a warning."""

    def __init__(self, action: Callable[[], object], *, every_s: float, name: str) -> None:
        """Starts the thread."""
        self._action = action
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; may be called twice."""
        self._stopped.set()
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self._action()
            except Exception as error:  # noqa: BLE001 - a thread of its own, whose run goes on
                log.warning("%s ended: %s", self._thread.name, error)
                return
