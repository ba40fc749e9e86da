"""Where the runner's next frames come from: read as they come, or read and looked at ahead.

`LiveFeed` has a thread of its own that never waits to read, so that the newest frame wins;
`FileFeed` lets a crew read, and look for faces, ahead of the runner. Both give frames in order,
and after the last what ended them. Judges and draws nothing.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Iterator

from rtau.data import Frame
from rtau.execution.queue import FrameQueue
from rtau.execution.worker_pool import Belt, Crew
from rtau.pipeline import PreparedFrame
from rtau.protocols import Source

Look = Callable[[Frame], PreparedFrame]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A frame as it came from the source."""

    frame: Frame
    received_s: float
    """When, on the clock of `time.perf_counter`."""
    decode_s: float
    """Seconds that reading it took."""
    sight: PreparedFrame | None = None
    """What was found in it, where it was looked at ahead."""


class Reading:
    """The frames of a source one by one, up to a limit; counts them."""

    def __init__(self, source: Source, *, most: int | None) -> None:
        """Reads at most so many frames; None for all."""
        self._source = source
        self._most = most
        self.frames = 0
        """Frames read so far."""
        self.left_out = 0
        """What a live source had dropped by itself before the last of them."""

    def __iter__(self) -> Iterator[Arrival]:
        """Yields the frames; whatever the source fails with is raised."""
        frames = iter(self._source)
        for _ in itertools.count() if self._most is None else range(self._most):
            start_s = time.perf_counter()
            frame = next(frames, None)
            received_s = time.perf_counter()
            if frame is None:
                break
            self.frames += 1
            self.left_out = int(getattr(self._source, "dropped", 0))
            yield Arrival(frame, received_s, received_s - start_s)


class LiveFeed:
    """Frames as they come, by a thread that reads them and does nothing else."""

    def __init__(self, reading: Reading, *, size: int, drops: bool) -> None:
        """Keeps at most `size` frames; `drops` says whether a new one throws out the oldest."""
        self.reading = reading
        self._queue: FrameQueue[Arrival] = FrameQueue(size=size, drops=drops)
        self._thread = threading.Thread(target=self._read_all, name="rtau-reader")

    def start(self) -> None:
        """Starts reading."""
        self._thread.start()

    def take(self, count: int) -> list[Arrival]:
        """Returns the next `count` frames, fewer only at the end."""
        return self._queue.take(count)

    def stop(self) -> None:
        """Reads no more; what was read and not taken is gone."""
        self._queue.close()

    def join(self, patience_s: float) -> bool:
        """Returns whether the thread has ended within a time."""
        if self._thread.ident is not None:
            self._thread.join(patience_s)
        return not self._thread.is_alive()

    @property
    def dropped(self) -> int:
        """Frames thrown out so far."""
        return self._queue.dropped

    @property
    def error(self) -> BaseException | None:
        """What reading failed with, once it has ended."""
        return self._queue.error

    def _read_all(self) -> None:
        try:
            for arrival in self.reading:
                if not self._queue.put(arrival):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by the runner
            self._queue.end(error)
        else:
            self._queue.end()


class FileFeed:
    """Frames read, and looked at, ahead of who takes them, by a crew of which that one is part."""

    dropped = 0

    def __init__(
        self, reading: Reading, crew: Crew, *, look: Look | None, read_ahead: int, look_ahead: int
    ) -> None:
        """Adds the stages to the crew.

        Args:
            reading: the frames.
            crew: that reads.
            look: finds faces; None where frames can only be looked at as they are judged.
            read_ahead: most frames that wait to be looked at.
            look_ahead: most frames that wait after it.
        """
        self.reading = reading
        self._crew = crew
        read: Belt[Arrival] = Belt(size=read_ahead)
        crew.add_start(iter(reading), into=read)
        self._last = read
        if look is not None:
            self._last = Belt(size=look_ahead)
            crew.add(_looking(look), of=read, into=self._last)

    def start(self) -> None:
        """Has no thread of its own."""

    def take(self, count: int) -> list[Arrival]:
        """Returns the next `count` frames, fewer only at the end."""
        return self._crew.take(self._last, count)

    def stop(self) -> None:
        """Reads no more; what was read and not taken is gone."""
        self._crew.make_no_more()

    def join(self, patience_s: float) -> bool:  # noqa: ARG002 - as the other feed
        """Has no thread of its own."""
        return True

    @property
    def error(self) -> BaseException | None:
        """What reading or looking failed with, once it has ended."""
        return self._last.error


def _looking(look: Look) -> Callable[[Arrival], Arrival]:
    return lambda arrival: dataclasses.replace(arrival, sight=look(arrival.frame))
