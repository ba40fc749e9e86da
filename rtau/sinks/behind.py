"""Writes behind the run's back: another sink's work, in a thread of its own.

Encoding a picture takes longer than all else of a frame, most of it in the encoder's own threads;
meanwhile the run goes on. The sink's promises stay: order, one error, nothing lost at the end.
Built by `rtau.assembly` around the video.
"""

from __future__ import annotations

import threading

from rtau.data import FrameResult, Picture
from rtau.frame_queue import FrameQueue
from rtau.seams import Sink

# Pictures that wait to be written: enough that neither side waits for the other's every hiccup,
# few enough for 4K (25 MB each).
WAITING = 2

_Item = tuple[FrameResult, Picture | None]


class WriteBehind:
    """A sink around another, whose `write` returns before the other has written."""

    def __init__(self, sink: Sink, /) -> None:
        """Takes ownership of the sink and starts the thread that writes to it."""
        self._sink = sink
        self._queue: FrameQueue[_Item] = FrameQueue(size=WAITING, drops=False)
        self._error: BaseException | None = None
        self._is_open = True
        self._thread = threading.Thread(target=self._write_all, name="rtau-write")
        self._thread.start()

    @property
    def name(self) -> str:
        """The other's."""
        return self._sink.name

    @property
    def wants_overlay(self) -> bool:
        """The other's."""
        return self._sink.wants_overlay

    @property
    def is_view(self) -> bool:
        """The other's."""
        return self._sink.is_view

    @property
    def audio(self) -> str | None:
        """What became of the sound, if the other writes any."""
        return getattr(self._sink, "audio", None)

    @property
    def note(self) -> str | None:
        """What is worth knowing of the other's file once it is closed."""
        return getattr(self._sink, "note", None)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Hands a result on; waits while too many are waiting.

        Raises:
            SinkError: the other failed, at this result or at one of those before it.
            ValueError: this sink is closed.
        """
        if not self._is_open:
            raise ValueError(f"{self.name}: write needs an open sink")
        if not self._queue.put((result, picture)):
            self._finish()

    def close(self) -> None:
        """Returns when everything is written and the other is closed; may be called twice.

        Raises:
            SinkError: the other failed at one of the last results, or at closing.
        """
        if self._is_open:
            self._finish()

    def _finish(self) -> None:
        """Closes the other when the thread has written what it was handed, or has failed."""
        self._is_open = False
        self._queue.end()
        self._thread.join()
        self._sink.close()
        if self._error is not None:
            raise self._error

    def _write_all(self) -> None:
        try:
            while items := self._queue.take(1):
                self._sink.write(*items[0])
        except BaseException as error:  # noqa: BLE001 - raised again by who hands on
            self._error = error
            self._queue.close()
