"""A part of a source: from one time to another, and only every N-th frame.

Frames keep their numbers and times. Every frame is still decoded, up to the end of the part.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

from rtau.data import Frame
from rtau.protocols import Source, SourceInfo, SourceReport

# Times in tables have microseconds.
_TOLERANCE_S = 1e-6


class Excerpt:
    """The frames of another source from `start_s` on and before `end_s`, every N-th of them."""

    def __init__(
        self, source: Source, *, start_s: float = 0.0, end_s: float | None = None, every: int = 1
    ) -> None:
        """Takes over a source, and closes it.

        Args:
            source: what is read.
            start_s: time of the first frame, seconds.
            end_s: the part ends before this time; None for the end of the source.
            every: one of so many frames is kept, beginning with the first.
        """
        self._source = source
        self._start_s, self._end_s, self._every = start_s, end_s, every
        self.info = _info(source.info, start_s=start_s, end_s=end_s, every=every)

    @property
    def is_live(self) -> bool:
        """As the source is."""
        return self._source.is_live

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames of the part.

        Raises:
            SourceError: as the source does.
        """
        inside = itertools.dropwhile(
            lambda frame: frame.time_s < self._start_s - _TOLERANCE_S, iter(self._source)
        )
        for number, frame in enumerate(inside):
            if self._end_s is not None and frame.time_s >= self._end_s - _TOLERANCE_S:
                return
            if number % self._every == 0:
                yield frame

    def report(self) -> SourceReport:
        """Returns what the source reports."""
        return self._source.report()

    def close(self) -> None:
        """Closes the source."""
        self._source.close()

    def __enter__(self) -> Excerpt:
        """Returns itself; leaving the block closes the source."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the source."""
        self.close()


def _info(info: SourceInfo, *, start_s: float, end_s: float | None, every: int) -> SourceInfo:
    """Returns what is known of the part; how many frames it has is only estimated."""
    if info.frame_count is None or info.nominal_fps is None:
        return dataclasses.replace(info, frame_count=None)
    length_s = float(info.frame_count / info.nominal_fps)
    last_s = length_s if end_s is None else min(end_s, length_s)
    count = round(max(0.0, last_s - start_s) * float(info.nominal_fps) / every)
    return dataclasses.replace(info, frame_count=max(1, count))
