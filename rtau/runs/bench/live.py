"""Live runs, timed: how old a picture is when its overlay is drawn, what is dropped, what grows.

Frames come at their time whether anybody is ready or not, as a camera's do; memory is read from
/proc. Draws nothing by itself; `rtau bench`, `make soak` and the targets use it.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from rtau.config import RunConfig
from rtau.data import Frame, FrameResult, Image, Picture
from rtau.errors import UsageError
from rtau.protocols import Engine, Source, SourceInfo
from rtau.runs.build import build_runner, detection_policy, view_controls
from rtau.sources.video_file import VideoFileSource

LIVE_FPS = 30
# The first frames find threads, caches and faces cold.
SETTLING_S = 1.0
# A soak is looked at in so many pieces of equal length.
PIECES = 10
PAGE_MIB = 1 / 256


class PacedClip:
    """A clip played over and over at a camera's pace, each frame at its time. A `Source`."""

    is_live = True
    corrupt = 0

    def __init__(self, clip: Path, /, *, fps: int, seconds: float) -> None:
        """Opens the clip once to learn its size.

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
        started_s = time.monotonic()
        for index, image in enumerate(itertools.islice(pictures, self._count)):
            time_s = index / self._fps
            self._closing.wait(max(0.0, started_s + time_s - time.monotonic()))
            if self._closing.is_set():
                break
            yield Frame(index=index, time_s=time_s, picture=image)
        pictures.close()

    def close(self) -> None:
        """Ends an iteration at its next frame."""
        self._closing.set()

    def _pictures(self) -> Generator[Image, None, None]:
        while True:
            with VideoFileSource(self._clip) as source:
                for frame in source:
                    yield frame.image_bgr


class _Stamped:
    """A source that notes when it handed each frame over. A `Source`."""

    is_live = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info = source.info
        self.captured_s: deque[tuple[int, float]] = deque()

    @property
    def corrupt(self) -> int:
        return self._source.corrupt

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            self.captured_s.append((frame.index, time.perf_counter()))
            yield frame

    def close(self) -> None:
        self._source.close()

    def age_s(self, index: int) -> float:
        """Returns how long ago a frame was handed over; forgets it and those before it."""
        while True:
            found, captured_s = self.captured_s.popleft()
            if found == index:
                return time.perf_counter() - captured_s


@dataclasses.dataclass(slots=True)
class _Piece:
    """What was seen in one part of a live run."""

    ages_s: list[float] = dataclasses.field(default_factory=list)
    infer_s: list[float] = dataclasses.field(default_factory=list)
    faces: int = 0
    rss_mib: float = 0.0


class _Watch:
    """Takes every annotated picture and notes how old it is. A `Sink`."""

    name = "watch"
    wants_overlay = True
    is_view = False
    is_slow = False

    def __init__(self, source: _Stamped, *, piece_s: float, pieces: int) -> None:
        self._source = source
        self._piece_s = piece_s
        self.pieces = [_Piece() for _ in range(pieces)]

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        assert picture is not None, "this sink asks for the overlay"
        age_s = self._source.age_s(result.frame.index)
        time_s = result.frame.time_s - SETTLING_S
        if time_s < 0:
            return
        piece = self.pieces[min(int(time_s / self._piece_s), len(self.pieces) - 1)]
        piece.ages_s.append(age_s)
        piece.infer_s.append(result.stage_s.get("infer", 0.0))
        piece.faces += len(result.faces)
        # Read once a second or so: the kernel walks the process's memory for it.
        if len(piece.ages_s) % LIVE_FPS == 1:
            piece.rss_mib = max(piece.rss_mib, rss_mib() or 0.0)

    def close(self) -> None:
        """Does nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class LiveCost:
    """What one live run showed; latencies are from capture to the drawn overlay, ms."""

    latencies_ms: tuple[float, ...]
    """Of every frame after the first second."""
    infer_ms: tuple[float, ...]
    """What the network took of each."""
    captured: int
    """Frames the source gave."""
    dropped: int
    """Frames that were overtaken by newer ones."""
    faces: float
    """Faces per frame, on average."""
    piece_p95_ms: tuple[float, ...]
    """95th percentile of the latency in each piece of the run, in order."""
    piece_rss_mib: tuple[float, ...]
    """Resident memory in each piece, in order; 0 where the system does not tell."""


def run_live(
    source: Source, engine: Engine, /, *, config: RunConfig, seconds: float, pieces: int = 1
) -> LiveCost:
    """Returns what a live run of so many seconds showed.

    Raises:
        RtauError: the run failed, or gave no picture after its first second.
    """
    stamped = _Stamped(source)
    watch = _Watch(stamped, piece_s=(seconds - SETTLING_S) / pieces, pieces=pieces)
    runner = build_runner(
        stamped,
        engine,
        config=config,
        controls=view_controls(config, engine.contract),
        sinks=[watch],
        policy=detection_policy(config),
    )
    summary = runner.run()
    seen = [piece for piece in watch.pieces if piece.ages_s]
    if len(seen) < pieces:
        raise UsageError(f"{seconds:g} s are too short for a live run; it needs 2 s or more")
    ages_s = [age_s for piece in seen for age_s in piece.ages_s]
    return LiveCost(
        latencies_ms=tuple(age_s * 1e3 for age_s in ages_s),
        infer_ms=tuple(infer_s * 1e3 for piece in seen for infer_s in piece.infer_s),
        captured=summary.frames_read,
        dropped=summary.frames_dropped,
        faces=sum(piece.faces for piece in seen) / len(ages_s),
        piece_p95_ms=tuple(float(np.percentile(piece.ages_s, 95)) * 1e3 for piece in seen),
        piece_rss_mib=tuple(piece.rss_mib for piece in seen),
    )


def growth_per_minute(values: tuple[float, ...], /, *, minutes: float) -> float:
    """Returns the slope of values that were taken at equal distances over so many minutes.

    Least squares over all but the first, in which memory pools and caches fill.
    """
    later = values[1:]
    if len(later) < 2:
        return math.nan
    step = minutes / len(values)
    slope, _ = np.polyfit(np.arange(len(later)) * step, later, 1)
    return float(slope)


def rss_mib(*, statm: Path = Path("/proc/self/statm")) -> float | None:
    """Returns this process's resident memory; None where the system does not tell."""
    try:
        return int(statm.read_text(encoding="ascii").split()[1]) * PAGE_MIB
    except (OSError, IndexError, ValueError):
        return None
