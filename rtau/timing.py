"""Stage clocks and percentiles; measures and summarises, prints nothing.

The pipeline times its stages with `StageClock`, the runner adds decoding, drawing and writing, and
the run record holds the summary.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Iterator, Mapping

# Newest samples kept per stage: enough for a meaningful p99 (41 frames lie above it), and flat
# memory in long runs. Percentiles of a longer run are those of its last 4096 frames.
HISTORY_FRAMES = 4096
# Frames over which fps and latency are shown live.
RECENT_FRAMES = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Percentiles:
    """Median and tails of one stage, seconds."""

    p50_s: float
    """Median."""
    p95_s: float
    """95th percentile."""
    p99_s: float
    """99th percentile."""
    samples: int
    """How many frames were measured in the whole run."""


class StageClock:
    """Collects the seconds each stage took for the current batch of frames."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside the `with` block to the stage of that name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def lap(self, frames: int) -> dict[str, float]:
        """Returns seconds per frame and stage since the last lap, and starts a new one."""
        taken = {name: seconds / max(frames, 1) for name, seconds in self._seconds.items()}
        self._seconds = {}
        return taken


class StageHistory:
    """Stage times of a run in bounded memory: the newest `HISTORY_FRAMES` samples per stage."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[float]] = {}
        self._counts: dict[str, int] = {}

    def add(self, stage_s: Mapping[str, float]) -> None:
        """Takes one frame's seconds per stage."""
        for name, seconds in stage_s.items():
            self._samples.setdefault(name, deque(maxlen=HISTORY_FRAMES)).append(seconds)
            self._counts[name] = self._counts.get(name, 0) + 1

    def summary(self) -> dict[str, Percentiles]:
        """Returns the percentiles per stage, in the order the stages first appeared."""
        return {
            name: percentiles(list(samples), count=self._counts[name])
            for name, samples in self._samples.items()
        }


def percentiles(seconds: list[float], *, count: int | None = None) -> Percentiles:
    """Returns p50, p95 and p99 of a list of seconds (linear interpolation); zeros when empty."""
    if not seconds:
        return Percentiles(p50_s=0.0, p95_s=0.0, p99_s=0.0, samples=0)
    ordered = sorted(seconds)
    p50, p95, p99 = (_at(ordered, share) for share in (0.50, 0.95, 0.99))
    return Percentiles(p50_s=p50, p95_s=p95, p99_s=p99, samples=count or len(seconds))


def _at(ordered: list[float], share: float) -> float:
    """Returns a quantile by linear interpolation. NumPy's would import masked arrays for it."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def frames_per_second(count: int, *, first_s: float, last_s: float) -> float:
    """Returns the rate of `count` instants between two times: (n - 1) / (last - first).

    n instants span n - 1 intervals; dividing by n reads high. 0 when there is no interval.
    """
    if count < 2 or last_s <= first_s:
        return 0.0
    return (count - 1) / (last_s - first_s)


class RecentFrames:
    """Completion times and latencies of the last frames, and the rate of the whole run."""

    def __init__(self) -> None:
        """Starts without a frame."""
        self._done_s: list[float] = []
        self._latency_s: list[float] = []
        self._count = 0
        self._first_s = 0.0

    def add(self, done_s: float, latency_s: float) -> None:
        """Takes the time at which a frame was done, and its latency."""
        if self._count == 0:
            self._first_s = done_s
        self._count += 1
        self._done_s = [*self._done_s[-RECENT_FRAMES + 1 :], done_s]
        self._latency_s = [*self._latency_s[-RECENT_FRAMES + 1 :], latency_s]

    def skip(self, paused_s: float) -> None:
        """Leaves a pause out of the rates."""
        self._first_s += paused_s
        self._done_s = [time_s + paused_s for time_s in self._done_s]

    def fps(self) -> float:
        """Returns the rate over the last frames."""
        times = self._done_s
        return frames_per_second(len(times), first_s=times[0], last_s=times[-1]) if times else 0.0

    def overall_fps(self) -> float:
        """Returns the rate over all frames."""
        last_s = self._done_s[-1] if self._done_s else 0.0
        return frames_per_second(self._count, first_s=self._first_s, last_s=last_s)

    def latency(self) -> Percentiles:
        """Returns the latencies of the last frames."""
        return percentiles(self._latency_s)
