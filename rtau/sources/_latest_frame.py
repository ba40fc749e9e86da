"""The latest-frame reader of all live sources: a capture loop on a thread, one slot for its frames.

Bounds every wait, also where a driver or a server does not; knows nothing of cameras or streams.
Used by the camera and the stream source, which give it their capture loop.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator

from rtau.data import Frame

log = logging.getLogger(__name__)


class LatestFrameReader:
    """Runs a generator of frames on its own thread and passes its latest frame to another.

    The first frame is always passed on, of later ones only the latest. The generator gets the
    reader: it checks `stopped` between reads, and may clear `drops` before its first frame, after
    which it waits and no frame is lost. It is always closed (`finally` runs) on that thread.
    """

    def __init__(
        self, capture: Callable[[LatestFrameReader], Generator[Frame, None, None]], *, name: str
    ) -> None:
        """Starts reading at once; `name` is the thread's."""
        self.stopped = threading.Event()
        self.drops = True
        self.dropped = 0
        """Frames that were replaced by a newer one before they were taken."""
        self._capture = capture
        self._changed = threading.Condition()
        self._latest: Frame | None = None
        self._first: Frame | None = None
        self._has_given = False
        self._is_ended = False
        self._error: BaseException | None = None
        # A driver that never returns must not keep the process alive; all others are joined.
        self._thread = threading.Thread(target=self._read_all, name=name, daemon=True)
        self._thread.start()

    def wait_for_first(self, *, timeout_s: float, close_timeout_s: float) -> Frame | None:
        """Returns the first frame, which `frames` yields again; closes the reader on failure.

        Raises:
            Exception: as `take`.
        """
        try:
            self._first = self.take(timeout_s=timeout_s)
        except BaseException:
            self.close(timeout_s=close_timeout_s)
            raise
        return self._first

    def frames(self, *, timeout_s: float) -> Iterator[Frame]:
        """Yields the first frame, then the latest one each time, until the end or `close()`.

        Raises:
            Exception: as `take`.
        """
        frame, self._first = self._first or self.take(timeout_s=timeout_s), None
        while frame is not None:
            yield frame
            frame = self.take(timeout_s=timeout_s)

    def take(self, *, timeout_s: float) -> Frame | None:
        """Returns the latest frame not taken yet; None at the end and after `close()`.

        Raises:
            TimeoutError: no frame came in time; reading goes on.
            Exception: what the capture loop raised, after its last frame was taken.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout=timeout_s)
            if self.stopped.is_set():
                return None
            if self._latest is not None:
                frame, self._latest = self._latest, None
                self._has_given = True
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            if self._is_ended:
                return None
        raise TimeoutError(f"no frame within {timeout_s:g} s")

    def close(self, *, timeout_s: float) -> None:
        """Stops reading and waits for the thread; may be called twice and from any thread."""
        with self._changed:
            self.stopped.set()
            self._latest = self._first = None
            self._changed.notify_all()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning(
                "%s: a read did not return within %g s and was left behind",
                self._thread.name,
                timeout_s,
            )

    def _has_news(self) -> bool:
        return self.stopped.is_set() or self._latest is not None or self._is_ended

    def _read_all(self) -> None:
        error: BaseException | None = None
        frames = self._capture(self)
        try:
            for frame in frames:
                self._put(frame)
                if self.stopped.is_set():
                    break
            frames.close()
        except BaseException as raised:  # noqa: BLE001 - raised again by the thread that takes
            error = raised
        with self._changed:
            self._error, self._is_ended = error, True
            self._changed.notify_all()

    def _put(self, frame: Frame) -> None:
        with self._changed:
            if not (self.drops and self._has_given):
                self._changed.wait_for(lambda: self._latest is None or self.stopped.is_set())
            if not self.stopped.is_set():
                self.dropped += self._latest is not None
                self._latest = frame
                self._changed.notify_all()
