"""The threaded shell around the pipeline: feed, crew, sinks, shutdown.

The calling thread judges, draws, and writes to the sinks; a crew writes what is slow behind it and,
for files, reads and looks for faces ahead of it. Owns every thread of a run but those that sources
keep for themselves, and leaves none behind, however the run ends; does no image work itself.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext

import numpy as np

from rtau.cpu import usable_cores
from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.execution.async_sink import WriteBehind
from rtau.execution.opencv_threads import single_threaded_opencv
from rtau.execution.prefetch import Arrival, FileFeed, LiveFeed, Reading
from rtau.execution.worker_pool import Crew
from rtau.pipeline import Pipeline
from rtau.protocols import Sink, Source, StopRun
from rtau.timing import Laps, Percentiles, Recent, percentiles

log = logging.getLogger(__name__)

# Frames looked at ahead of judging: hides a search of the whole frame, which takes as long as ten
# frames without one. Large frames are fewer, to bound memory: 16 of 1920x1080, 4 of 4K.
LOOK_AHEAD = 16
LEAST_AHEAD = 4
AHEAD_PX = 2**25
# Of these, as many may be read before and wait to be written behind: enough that neither side waits
# for the other's every hiccup, or for a batch.
SHARE_BESIDE = 2
# The same live: frames kept of a camera that may lose none, and twice what waits to be written.
LIVE_AHEAD = 4
# Live, only the newest frame is worth anything.
NEWEST_ONLY = 1
# Frames of a file that share one batch; as many again if they have no more than a face each, since
# a network takes a tenth less a face for eight than for four. More save little and cost memory.
FILE_BATCH = 4
# How long a source may take to end after `close()` before the run is reported as stuck.
READER_PATIENCE_S = 10.0

Compose = Callable[[FrameResult], Picture]


@dataclasses.dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did, from first frame to last close."""

    frames_read: int
    """Frames the source gave, dropped ones included."""
    frames_done: int
    """Frames that went through the pipeline and every sink."""
    frames_dropped: int
    """Frames read and thrown away because newer ones had come."""
    frames_corrupt: int
    """Frames the source could not decode."""
    tracks: int
    """Different faces (track ids) seen."""
    wall_s: float
    """Seconds from start to the last close."""
    fps: float
    """Frames done per second of wall time, first to last."""
    latency: Percentiles
    """Frame received from the source to the last sink's return."""
    stages: dict[str, Percentiles]
    """Seconds per frame and stage, over the newest frames (`rtau.timing.RESERVOIR`)."""
    end: str
    """`end of source`, `frame limit`, `stopped`, or `failed: ...`."""
    lost_views: tuple[str, ...]
    """Views that failed and were dropped, with the reason."""


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for views."""

    frames_done: int
    """Frames that went through every sink."""
    frames_dropped: int
    """Frames thrown away so far."""
    frames_corrupt: int
    """Frames that could not be decoded so far."""
    time_s: float
    """Time of the newest frame done, seconds of the source."""
    fps: float
    """Rate over the last frames."""
    latency: Percentiles
    """Over the last frames, seconds."""


class Runner:
    """Runs one source through one pipeline into sinks. Made for one run."""

    def __init__(
        self,
        *,
        source: Source,
        pipeline: Pipeline,
        sinks: Sequence[Sink],
        compose: Compose | None = None,
        drops: bool | None = None,
        max_frames: int | None = None,
    ) -> None:
        """Takes ownership of the source and of the sinks: they are closed when the run ends.

        Args:
            source: where frames come from.
            pipeline: what is done with them.
            sinks: where results go, written in this order, closed in reverse.
            compose: draws the annotated picture; needed if any sink wants it.
            drops: throw out the oldest frame when the queue is full; None = if the source is live.
            max_frames: stop after so many frames.
        """
        self._source = source
        self._pipeline = pipeline
        self._compose = compose
        self._max_frames = max_frames
        self._frame_px = source.info.width * source.info.height
        self._crew = Crew()
        drops = source.is_live if drops is None else drops
        # Live, a frame that waits to be judged, or for others of a batch, is late.
        self._is_hurried = drops or source.is_live
        self._batch = 1 if self._is_hurried else FILE_BATCH
        self._looks_ahead = pipeline.can_preprocess_ahead and not self._is_hurried
        self._feed = self._make_feed(drops=drops)
        self._sinks = [self._beside(sink) for sink in sinks]
        self._stop = threading.Event()
        self._laps = Laps()
        self._recent = Recent()
        self._done = 0
        self._time_s = 0.0
        self._faces = _FaceCount()
        self._lost_views: list[str] = []
        self._started_s = self._ended_s = 0.0
        self._end = "not run"

    def _make_feed(self, *, drops: bool) -> LiveFeed | FileFeed:
        reading = Reading(self._source, most=self._max_frames)
        if self._is_hurried:
            return LiveFeed(reading, size=NEWEST_ONLY if drops else LIVE_AHEAD, drops=drops)
        ahead = frames_ahead(self._frame_px)
        return FileFeed(
            reading,
            self._crew,
            look=self._pipeline.preprocess if self._looks_ahead else None,
            read_ahead=ahead // SHARE_BESIDE,
            look_ahead=ahead,
        )

    def _beside(self, sink: Sink) -> Sink:
        """Returns the sink, to be written behind the run if it is slow."""
        if not sink.is_slow:
            return sink
        ahead = LIVE_AHEAD if self._is_hurried else frames_ahead(self._frame_px)
        return WriteBehind(sink, self._crew, waiting=ahead // SHARE_BESIDE)

    def run(self) -> RunSummary:
        """Returns the summary when the source has ended, or after `stop()`.

        Raises:
            RtauError: the original error of whatever failed; `summary` is there all the same.
        """
        for _ in self.results():
            pass
        return self.summary

    def results(self) -> Iterator[FrameResult]:
        """Yields every result when all sinks have taken it; the caller's loop drives the run.

        Closing the generator early stops the run: threads, source and sinks are closed by then.

        Raises:
            RtauError: the original error of whatever failed; `summary` is there all the same.
        """
        with single_threaded_opencv() if self._looks_ahead else nullcontext():
            self._started_s = time.perf_counter()
            try:
                self._crew.start(helpers=self._helpers())
                self._feed.start()
                yield from self._consume()
            except GeneratorExit:
                self._end = "stopped"
                self._shut(failed=True)
                raise
            except BaseException as error:
                self._end = f"failed: {error}" if isinstance(error, Exception) else "interrupted"
                self._shut(failed=True)
                raise
            self._shut(failed=False)

    def _helpers(self) -> int:
        """Returns how many threads help this one: live, one to a stage, else one to a core."""
        stages = self._crew.stages
        return stages if self._is_hurried else max(min(usable_cores() - 1, stages), 1)

    def stop(self) -> None:
        """Asks the run to end soon and cleanly; safe from signal handlers and other threads."""
        self._stop.set()

    @property
    def summary(self) -> RunSummary:
        """What was done so far, or in the whole run when it has ended."""
        return RunSummary(
            frames_read=self._feed.reading.frames + self._feed.reading.left_out,
            frames_done=self._done,
            frames_dropped=self._dropped,
            frames_corrupt=self._source.corrupt,
            tracks=self._faces.count,
            wall_s=(self._ended_s or time.perf_counter()) - self._started_s,
            fps=self._recent.overall_fps(),
            latency=self._laps.summary().get("latency", percentiles([])),
            stages={k: v for k, v in self._laps.summary().items() if k != "latency"},
            end=self._end,
            lost_views=tuple(self._lost_views),
        )

    @property
    def progress(self) -> Progress:
        """Where the run stands."""
        return Progress(
            frames_done=self._done,
            frames_dropped=self._dropped,
            frames_corrupt=self._source.corrupt,
            time_s=self._time_s,
            fps=self._recent.fps(),
            latency=self._recent.latency(),
        )

    @property
    def _dropped(self) -> int:
        return self._feed.dropped + self._feed.reading.left_out

    def _consume(self) -> Iterator[FrameResult]:
        while not self._stop.is_set():
            try:
                if not (yield from self._process()):
                    break
            except StopRun:
                self._stop.set()
        if self._stop.is_set():
            self._end = "stopped"
            return
        if self._feed.error is not None:
            raise self._feed.error
        limited = self._max_frames is not None and self._feed.reading.frames >= self._max_frames
        self._end = "frame limit" if limited else "end of source"

    def _process(self) -> Generator[FrameResult, None, bool]:
        """Takes the next frames through pipeline and sinks; returns False when there are none."""
        arrivals = self._take()
        if self._looks_ahead:
            sights = [one.sight for one in arrivals if one.sight is not None]
            results = self._pipeline.infer(sights)
        else:
            results = self._pipeline.step([arrival.frame for arrival in arrivals])
        for arrival, result in zip(arrivals, results, strict=True):
            self._finish(arrival, result)
            yield result
        return bool(arrivals)

    def _take(self) -> list[Arrival]:
        """Returns the frames of the next batch; the first goes alone, to show something soon."""
        if not self._looks_ahead:
            return self._feed.take(self._batch)
        if self._done == 0:
            return self._feed.take(1)
        arrivals = self._feed.take(self._batch)
        faces = sum(len(one.sight.faces) for one in arrivals if one.sight is not None)
        if joins_next_batch(faces, frame_px=self._frame_px):
            arrivals += self._feed.take(self._batch)
        return arrivals

    def _finish(self, arrival: Arrival, result: FrameResult) -> None:
        """Hands a result to the sinks and counts it."""
        stage_s = {"decode": arrival.decode_s, **result.stage_s}
        self._deliver(result, stage_s)
        now_s = time.perf_counter()
        stage_s["latency"] = now_s - arrival.received_s
        self._laps.add(stage_s)
        self._recent.add(now_s, stage_s["latency"])
        self._done += 1
        self._time_s = result.frame.time_s
        if result.faces.track_ids is not None:
            self._faces.add(result.faces.track_ids.tolist())

    def _deliver(self, result: FrameResult, stage_s: dict[str, float]) -> None:
        """Draws once if any sink wants it, then writes to every sink."""
        picture = None
        if self._compose is not None and any(sink.wants_overlay for sink in self._sinks):
            start_s = time.perf_counter()
            picture = self._compose(result)
            if isinstance(picture, np.ndarray):  # planes are so already
                picture.flags.writeable = False
            stage_s["overlay"] = time.perf_counter() - start_s
        start_s = time.perf_counter()
        for sink in tuple(self._sinks):
            try:
                sink.write(result, picture if sink.wants_overlay else None)
            except SinkError as error:
                self._lose(sink, error)
        stage_s["write"] = time.perf_counter() - start_s

    def _lose(self, sink: Sink, error: SinkError) -> None:
        """Drops a failed view and goes on; a failed file ends the run."""
        if not sink.is_view or len(self._sinks) == 1:
            raise error
        self._lost_views.append(f"{sink.name}: {error}")
        log.warning("view dropped: %s: %s", sink.name, error)
        self._sinks.remove(sink)
        sink.close()

    def _shut(self, *, failed: bool) -> None:
        """Ends the reading, then closes the sinks in reverse order.

        With `failed`, errors of closing are logged: the first error is the one that matters.
        Without, the first of them is raised when all are closed.
        """
        self._stop.set()
        try:
            self._feed.stop()
            parts: list[Source | Sink] = [self._source, *reversed(self._sinks)]
            closed = [_closing(part) for part in parts]
        finally:  # a second Ctrl-C must not leave threads that keep the process alive
            self._crew.close()
        errors = [error for error in closed if error is not None]
        has_ended = self._feed.join(READER_PATIENCE_S) and self._crew.join(READER_PATIENCE_S)
        self._ended_s = time.perf_counter()
        if not has_ended:
            log.error("the source did not end within %g s of being closed", READER_PATIENCE_S)
        for error in errors if failed else errors[1:]:
            log.warning("while closing: %s", error)
        if errors and not failed:
            self._end = f"failed: {errors[0]}"
            raise errors[0]


def frames_ahead(frame_px: int, /) -> int:
    """Returns how many frames of so many pixels are looked at ahead of judging."""
    return min(max(AHEAD_PX // max(frame_px, 1), LEAST_AHEAD), LOOK_AHEAD)


def joins_next_batch(faces: int, /, *, frame_px: int) -> bool:
    """True where `FILE_BATCH` frames have so few faces, and are so small, that the next join them.

    Small are those of which as many are held ahead as ever.
    """
    return faces <= FILE_BATCH and frames_ahead(frame_px) == LOOK_AHEAD


class _FaceCount:
    """Counts different track ids at a bit each: the face tracker assigns them in order, from 1."""

    def __init__(self) -> None:
        self.count = 0
        self._seen = bytearray()

    def add(self, track_ids: Sequence[int]) -> None:
        for track_id in track_ids:
            byte, bit = divmod(track_id, 8)
            if byte >= len(self._seen):
                self._seen.extend(bytes(byte + 1 - len(self._seen)))
            if not self._seen[byte] >> bit & 1:
                self._seen[byte] |= 1 << bit
                self.count += 1


def _closing(part: Source | Sink) -> Exception | None:
    """Closes and returns what went wrong, if anything: every part gets its turn."""
    try:
        part.close()
    except Exception as error:  # noqa: BLE001 - collected and raised or logged by the caller
        return error
    return None
