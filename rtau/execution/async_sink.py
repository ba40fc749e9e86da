"""An asynchronous sink: a slow sink's writes are executed by the worker pool.

Encoding a frame takes longer than all other stages together and can overlap with them. The promises
of `Sink` stay: order, one error, nothing lost at the end. The runner wraps slow sinks in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from rtau.data import FrameResult, Picture
from rtau.execution.queue import BoundedQueue
from rtau.execution.worker_pool import WorkerPool
from rtau.protocols import Sink, SinkReport


@runtime_checkable
class PreparingSink(Protocol):
    """A slow `Sink` whose `write` has two steps; another thread may execute the first.

    `write(result, picture)` is `write_prepared(result, prepare(picture))`.
    """

    def prepare(self, picture: Picture | None, /) -> object:
        """Returns the picture in the form that is written; leaves the sink unchanged."""
        ...

    def write_prepared(self, result: FrameResult, prepared: Any, /) -> None:
        """Takes one frame's result, in order; raises what `write` raises."""
        ...


class AsyncSink:
    """Wraps a sink, so that `write` returns before the wrapped sink has written. A `Sink`."""

    is_slow = False

    def __init__(self, sink: Sink, pool: WorkerPool, /, *, queue_size: int) -> None:
        """Takes ownership of the sink and adds its stage to the pool.

        Args:
            sink: the sink that writes.
            pool: executes its writes.
            queue_size: most results that wait to be written, each with its picture.
        """
        self.name, self.wants_overlay, self.is_view = sink.name, sink.wants_overlay, sink.is_view
        self._sink = sink
        self._pool = pool
        self._queue: BoundedQueue[tuple[FrameResult, object]] = pool.queue(size=queue_size)
        self._is_open = True
        self._prepare, write = _steps(sink)
        pool.add_stage(lambda item: write(*item), inputs=self._queue, outputs=None)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Queues a result; while the queue is full, the calling thread executes stages.

        Raises:
            SinkError: the wrapped sink failed at this or an earlier result.
            ValueError: this sink is closed.
        """
        if not self._is_open:
            raise ValueError(f"{self.name}: write needs an open sink")
        # In this thread: the pool is the busier one where a sink is slow.
        if not self._queue.put((result, self._prepare(picture))):
            self._finish()

    def report(self) -> SinkReport:
        """Returns the report of the wrapped sink."""
        return self._sink.report()

    def close(self) -> None:
        """Writes what is queued and closes the wrapped sink; may be called twice.

        Raises:
            SinkError: the wrapped sink failed at one of the last results, or while closing.
        """
        if self._is_open:
            self._finish()

    def _finish(self) -> None:
        """Closes the wrapped sink once the queue is written, or its stage has failed."""
        self._is_open = False
        self._pool.drain(self._queue)
        self._sink.close()
        if self._queue.error is not None:
            raise self._queue.error


def _steps(sink: Sink) -> tuple[Callable[[Picture | None], object], Callable[..., None]]:
    """Returns the function that prepares a picture and the one that writes it prepared."""
    if isinstance(sink, PreparingSink):
        return sink.prepare, sink.write_prepared
    return lambda picture: picture, sink.write
