"""A reading loop on a thread of its own, of which only the newest frame is kept.

Makes every wait bounded, whatever a driver or a server does; knows nothing of cameras or streams.
Used by the camera and the stream source, which hand it their reading loop.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator

from rtau.data import Frame

log = logging.getLogger(__name__)


class LiveReader:
    """Runs a generator of frames on a thread and hands its frames to another.

    The first frame is always handed over; of the later ones only the newest. The generator gets
    the reader itself: it looks at `stopped` between reads, and may clear `newest_wins` before its
    first frame, then none is lost. It is always finished (`finally` runs) on that thread.
    """

    def __init__(
        self, frames: Callable[[LiveReader], Generator[Frame, None, None]], *, name: str
    ) -> None:
        """Starts reading at once; `name` is the thread's."""
        self.stopped = threading.Event()
        self.newest_wins = True
        self.dropped = 0
        """Frames nobody took before a newer one came."""
        self._frames = frames
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._first_taken = False
        self._ended = False
        self._error: BaseException | None = None
        # A driver that never returns must not keep the process alive; all others are joined.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def take(self, *, timeout_s: float) -> Frame | None:
        """Returns the next frame; None at the end and after `close()`.

        Raises:
            TimeoutError: nothing came in time; reading goes on.
            Exception: what the reading loop ended with, after its last frame was taken.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout=timeout_s)
            if self.stopped.is_set():
                return None
            if self._newest is not None:
                frame, self._newest = self._newest, None
                self._first_taken = True
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
        raise TimeoutError(f"no frame within {timeout_s:g} s")

    def close(self, *, patience_s: float) -> None:
        """Ends reading and waits for the thread; may be called twice and from any thread."""
        with self._changed:
            self.stopped.set()
            self._newest = None
            self._changed.notify_all()
        self._thread.join(patience_s)
        if self._thread.is_alive():
            log.warning(
                "%s: a read did not return within %g s and was left behind",
                self._thread.name,
                patience_s,
            )

    def _has_news(self) -> bool:
        return self.stopped.is_set() or self._newest is not None or self._ended

    def _work(self) -> None:
        error: BaseException | None = None
        frames = self._frames(self)
        try:
            for frame in frames:
                self._put(frame)
                if self.stopped.is_set():
                    break
            frames.close()
        except BaseException as raised:  # noqa: BLE001 - raised again by the thread that takes
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def _put(self, frame: Frame) -> None:
        with self._changed:
            if not (self.newest_wins and self._first_taken):
                self._changed.wait_for(lambda: self._newest is None or self.stopped.is_set())
            if not self.stopped.is_set():
                self.dropped += self._newest is not None
                self._newest = frame
                self._changed.notify_all()
