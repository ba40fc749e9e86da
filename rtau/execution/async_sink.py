"""Writes behind the run's back: a slow sink's work, done by a crew.

Encoding a picture takes longer than all else of a frame, and can go on beside it. The sink's
promises stay: order, one error, nothing lost at the end. The runner puts it around slow sinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from rtau.data import FrameResult, Picture
from rtau.execution.worker_pool import Belt, Crew
from rtau.protocols import Sink

# A result and its picture, or what the sink has prepared of it.
_Item = tuple[FrameResult, object]


@runtime_checkable
class PreparingSink(Protocol):
    """A slow `Sink` whose `write` is two steps, of which the first may be done by another thread.

    `write(result, picture)` is `write_prepared(result, prepare(picture))`.
    """

    def prepare(self, picture: Picture | None, /) -> object:
        """Returns the picture in the form it is written in; changes nothing of the sink."""
        ...

    def write_prepared(self, result: FrameResult, prepared: Any, /) -> None:
        """Takes one frame's result, in order; raises what `write` raises."""
        ...


class WriteBehind:
    """A sink around another, whose `write` returns before the other has written. A `Sink`."""

    is_slow = False

    def __init__(self, sink: Sink, crew: Crew, /, *, waiting: int) -> None:
        """Takes ownership of the sink and adds its stage to the crew.

        Args:
            sink: to be written to.
            crew: that does it.
            waiting: most results that may wait, each with its picture.
        """
        self._sink = sink
        self._crew = crew
        self._belt: Belt[_Item] = Belt(size=waiting)
        self._is_open = True
        self._prepare, write = _steps(sink)
        crew.add(lambda item: write(*item), of=self._belt, into=None)

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

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Hands a result on; waits, and works, while too many are waiting.

        Raises:
            SinkError: the other failed, at this result or at one of those before it.
            ValueError: this sink is closed.
        """
        if not self._is_open:
            raise ValueError(f"{self.name}: write needs an open sink")
        # By this thread: the crew's is the busier one where a sink is slow.
        if not self._crew.put(self._belt, (result, self._prepare(picture))):
            self._finish()

    def close(self) -> None:
        """Returns when everything is written and the other is closed; may be called twice.

        Raises:
            SinkError: the other failed at one of the last results, or at closing.
        """
        if self._is_open:
            self._finish()

    def _finish(self) -> None:
        """Closes the other when it has been written what was handed on, or has failed."""
        self._is_open = False
        self._crew.finish(self._belt)
        self._sink.close()
        if self._belt.error is not None:
            raise self._belt.error


def _steps(sink: Sink) -> tuple[Callable[[Picture | None], object], Callable[..., None]]:
    """Returns how a sink prepares a picture, and how it writes what is prepared."""
    if isinstance(sink, PreparingSink):
        return sink.prepare, sink.write_prepared
    return lambda picture: picture, sink.write
