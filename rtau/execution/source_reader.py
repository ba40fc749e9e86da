"""Reads the frames of a source one by one, times and counts them.

Has no thread: the thread or the pool that iterates it reads. Used by `rtau.execution.strategies`.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator

from rtau.data import Frame
from rtau.pipeline import PreparedFrame
from rtau.protocols import Source


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class TimedFrame:
    """A frame of a source with the times of its reading."""

    frame: Frame
    received_s: float
    """When it was read, on the clock of `time.perf_counter`."""
    decode_s: float
    """Seconds the read took."""
    prepared: PreparedFrame | None = None
    """Its faces and crops, where it was preprocessed ahead."""


class SourceReader:
    """Iterates the frames of a source up to a limit, and counts them."""

    def __init__(self, source: Source, *, max_frames: int | None) -> None:
        """Reads at most `max_frames`; None for all."""
        self._source = source
        self._max_frames = max_frames
        self.frames_read = 0
        """Frames read so far."""
        self.frames_dropped = 0
        """Frames a live source had itself dropped before the last one read."""

    @property
    def is_at_limit(self) -> bool:
        """True once `max_frames` were read."""
        return self._max_frames is not None and self.frames_read >= self._max_frames

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yields the frames; errors of the source are raised."""
        frames = iter(self._source)
        for _ in itertools.count() if self._max_frames is None else range(self._max_frames):
            start_s = time.perf_counter()
            frame = next(frames, None)
            received_s = time.perf_counter()
            if frame is None:
                break
            self.frames_read += 1
            self.frames_dropped = self._source.report().dropped
            yield TimedFrame(frame, received_s, received_s - start_s)
