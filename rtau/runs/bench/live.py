"""Live runs, timed: the delay from capture to the drawn overlay, and the frames that are dropped.

Frames come at their times whether anybody is ready or not, as a camera's do. Draws nothing by
itself; `rtau bench` and the scripts in `benchmarks/` use it.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from rtau.config import RunConfig
from rtau.data import Frame, FrameResult, Image, Picture
from rtau.errors import UsageError
from rtau.protocols import Engine, Sink, SinkReport, Source, SourceInfo, SourceReport
from rtau.runs.bench.metrics import Metric, metric
from rtau.runs.build import build_runner, view_controls
from rtau.sources.video_file import VideoFileSource

LIVE_FPS = 30
LATENCY = "live, capture to overlay"
# Not measured: the first frames find threads, caches and faces cold.
WARM_UP_S = 1.0


class PacedClip:
    """A clip played over and over at a camera's rate, each frame at its time. A `Source`."""

    is_live = True

    def __init__(self, clip: Path, /, *, seconds: float, fps: int = LIVE_FPS) -> None:
        """Opens the clip once to read its size.

        Raises:
            SourceOpenError: no video.
        """
        self._clip = clip
        self._fps = fps
        self._count = max(1, round(fps * seconds))
        self._closing = threading.Event()
        with VideoFileSource(clip) as source:
            info = source.info
        self.info = SourceInfo(
            name=f"{clip.name}, live",
            width=info.width,
            height=info.height,
            nominal_fps=Fraction(fps),
            frame_count=None,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames, each at its time."""
        pictures = self._pictures()
        start_s = time.monotonic()
        for index, image in enumerate(itertools.islice(pictures, self._count)):
            time_s = index / self._fps
            self._closing.wait(max(0.0, start_s + time_s - time.monotonic()))
            if self._closing.is_set():
                break
            yield Frame(index=index, time_s=time_s, picture=image)
        pictures.close()

    def close(self) -> None:
        """Ends an iteration at its next frame."""
        self._closing.set()

    def report(self) -> SourceReport:
        """Returns an empty report."""
        return SourceReport()

    def _pictures(self) -> Generator[Image, None, None]:
        while True:
            with VideoFileSource(self._clip) as source:
                for frame in source:
                    yield frame.image_bgr


class _CaptureTimes:
    """A source that keeps when it yielded each frame. A `Source`."""

    is_live = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info = source.info
        self._captured_s: deque[tuple[int, float]] = deque()

    def report(self) -> SourceReport:
        return self._source.report()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            self._captured_s.append((frame.index, time.perf_counter()))
            yield frame

    def close(self) -> None:
        self._source.close()

    def age_s(self, index: int) -> float:
        """Returns how long ago a frame was yielded; removes it and those before it."""
        while True:
            found, captured_s = self._captured_s.popleft()
            if found == index:
                return time.perf_counter() - captured_s


class _Latencies:
    """Takes every annotated picture and keeps how old it is. A `Sink`."""

    name = "latencies"
    wants_overlay = True
    is_view = False
    is_slow = False

    def __init__(self, source: _CaptureTimes) -> None:
        self._source = source
        self.age_ms: list[float] = []
        self.infer_ms: list[float] = []
        self.faces = 0

    def write(self, result: FrameResult, _picture: Picture | None, /) -> None:
        age_s = self._source.age_s(result.frame.index)
        if result.frame.time_s >= WARM_UP_S:
            self.age_ms.append(age_s * 1e3)
            self.infer_ms.append(result.stage_s.get("infer", 0.0) * 1e3)
            self.faces += len(result.faces)

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class LiveCost:
    """What one live run took."""

    latencies_ms: tuple[float, ...]
    """From capture to the drawn overlay, for each frame after the first second, in order."""
    infer_ms: tuple[float, ...]
    """Time of the network for each of these frames."""
    captured: int
    """Frames from the source."""
    dropped: int
    """Frames that were replaced by newer ones before they were processed."""
    faces: float
    """Faces per frame, on average."""

    def metrics(self, *, clip: str | None) -> list[Metric]:
        """Returns the latency, the dropped and the captured frames as metrics."""
        return [
            metric(LATENCY, self.latencies_ms, clip=clip),
            metric("live, frames dropped", [float(self.dropped)], unit="frames", clip=clip),
            metric("live, frames captured", [float(self.captured)], unit="frames", clip=clip),
        ]


def run_live(
    source: Source, engine: Engine, /, *, config: RunConfig, sinks: Sequence[Sink] = ()
) -> LiveCost:
    """Returns what a live run of a source took; its results go to `sinks` too.

    Raises:
        RtauError: the run failed, or no frame came after its first second.
    """
    capture_times = _CaptureTimes(source)
    latencies = _Latencies(capture_times)
    runner = build_runner(
        capture_times,
        engine,
        config=config,
        controls=view_controls(config, engine.contract),
        sinks=[latencies, *sinks],
    )
    summary = runner.run()
    if not latencies.age_ms:
        raise UsageError(
            f"{source.info.name} is too short for a live run: no frame came after its first "
            f"{WARM_UP_S:g} s; run 2 s or more"
        )
    return LiveCost(
        latencies_ms=tuple(latencies.age_ms),
        infer_ms=tuple(latencies.infer_ms),
        captured=summary.frames_read,
        dropped=summary.frames_dropped,
        faces=latencies.faces / len(latencies.age_ms),
    )
