"""An engine that several threads share: one batch at a time. `rtau.Detector` wraps its engine."""

from __future__ import annotations

import threading

from rtau.data import Crops, Scores
from rtau.protocols import Engine


class SharedEngine:
    """Another engine behind a lock. Satisfies `rtau.protocols.Engine`."""

    def __init__(self, engine: Engine) -> None:
        """Takes ownership of `engine`."""
        self._engine = engine
        self.lock = threading.RLock()
        """Held during every batch; a thread that holds it may call `infer`."""
        self.contract = engine.contract
        self.device = engine.device

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns a row of scores per crop, in order, when no other thread has a batch."""
        with self.lock:
            return self._engine.infer(crops, cams=cams)

    def close(self) -> None:
        """Frees the model after the batch that runs; may be called twice."""
        with self.lock:
            self._engine.close()
