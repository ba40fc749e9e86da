"""The threaded shell around the pipeline: reading, worker pool, sinks, shutdown.

The calling thread infers, draws and writes to the sinks; a worker pool executes slow sinks and, for
files, decoding and preprocessing ahead. Owns every thread of a run except those inside sources, and
leaves none running, however the run ends. Processes no image itself.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from rtau.data import FrameResult, Picture
from rtau.errors import SinkError
from rtau.execution.async_sink import AsyncSink
from rtau.execution.source_reader import SourceReader, TimedFrame
from rtau.execution.strategies import FileStrategy, LiveStrategy
from rtau.execution.worker_pool import WorkerPool
from rtau.markers import Markers
from rtau.pipeline import Pipeline
from rtau.protocols import Sink, Source, StopRun
from rtau.timing import Percentiles, RecentFrames, StageHistory, percentiles

log = logging.getLogger(__name__)

# Interval of asking the views while the run is paused: keys are answered.
PAUSED_EVERY_S = 0.04
# How long a source may take to end after `close()` before the run is reported as stuck.
SOURCE_TIMEOUT_S = 10.0

Compose = Callable[[FrameResult], Picture]


@runtime_checkable
class IdleSink(Protocol):
    """A view that is called while no frame comes."""

    def idle(self) -> None:
        """Shows the status, and raises StopRun if the user ends the run."""
        ...


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
    """Seconds per frame and stage, over the newest frames (`rtau.timing.HISTORY_FRAMES`)."""
    end: str
    """`end of source`, `frame limit`, `stopped`, or `failed: ...`."""
    lost_views: tuple[str, ...]
    """Views that failed and were dropped, with the reason."""
    paused_s: float = 0.0
    """Seconds for which the run was paused."""


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for views."""

    frames_done: int = 0
    """Frames that went through every sink."""
    frames_dropped: int = 0
    """Frames thrown away so far."""
    frames_corrupt: int = 0
    """Frames that could not be decoded so far."""
    time_s: float = 0.0
    """Time of the newest frame done, seconds of the source."""
    fps: float = 0.0
    """Rate over the last frames."""
    latency: Percentiles = dataclasses.field(default_factory=lambda: percentiles([]))
    """Over the last frames, seconds."""
    lost_views: tuple[str, ...] = ()
    """Views that failed and were dropped, with the reason."""
    since_frame_s: float = 0.0
    """Since the last frame was done, seconds; 0 before the first."""


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
        markers: Markers | None = None,
        is_paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """Takes ownership of the source and of the sinks: they are closed when the run ends.

        Args:
            source: where frames come from.
            pipeline: turns them into results.
            sinks: where results go, written in this order, closed in reverse.
            compose: draws the annotated picture; needed if any sink wants it.
            drops: drop the oldest frame when the queue is full; None = if the source is live.
            max_frames: stop after so many frames.
            markers: events that are given to the results; None for a run that takes none.
            is_paused: whether no frame is to be processed; asked before each batch.
        """
        self._source = source
        self._pipeline = pipeline
        self._compose = compose
        self._pool = WorkerPool()
        self._reader = SourceReader(source, max_frames=max_frames)
        drops = source.is_live if drops is None else drops
        self._strategy: FileStrategy | LiveStrategy
        if drops or source.is_live:
            self._strategy = LiveStrategy(self._reader, drops_oldest=drops, idle=self._idle)
        else:
            frame_px = source.info.width * source.info.height
            self._strategy = FileStrategy(self._reader, pipeline, self._pool, frame_px=frame_px)
        queue_size = self._strategy.sink_queue_size
        self._sinks = [
            AsyncSink(sink, self._pool, queue_size=queue_size) if sink.is_slow else sink
            for sink in sinks
        ]
        self._markers = markers
        self._is_paused = is_paused
        self._paused_s = 0.0
        self._left_out = 0  # frames that came while the run was paused
        self._stop = threading.Event()
        self._stages = StageHistory()
        self._recent = RecentFrames()
        self._done = 0
        self._last_done_s = 0.0
        self._time_s = 0.0
        self._faces = _FaceCount()
        self._lost_views: list[str] = []
        self._started_s = self._ended_s = 0.0
        self._end = "not run"

    def run(self) -> RunSummary:
        """Returns the summary when the source has ended, or after `stop()`.

        Raises:
            RtauError: the original error of whatever failed; `summary` is there all the same.
        """
        for _ in self.results():
            pass
        return self.summary

    def results(self) -> Generator[FrameResult, None, None]:
        """Yields every result when all sinks have taken it; the caller's loop drives the run.

        Closing the generator early stops the run: threads, source and sinks are closed by then.

        Raises:
            RtauError: the original error of whatever failed; `summary` is there all the same.
        """
        with self._strategy.opencv_threads():
            self._started_s = time.perf_counter()
            try:
                self._pool.start(threads=self._strategy.worker_threads(self._pool.stages))
                self._strategy.start()
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

    def stop(self) -> None:
        """Asks the run to end soon and cleanly; safe from signal handlers and other threads."""
        self._stop.set()

    @property
    def summary(self) -> RunSummary:
        """Counts and times so far, or of the whole run when it has ended."""
        return RunSummary(
            frames_read=self._reader.frames_read + self._reader.frames_dropped,
            frames_done=self._done,
            frames_dropped=self._dropped,
            frames_corrupt=self._source.report().corrupt,
            tracks=self._faces.count,
            wall_s=(self._ended_s or time.perf_counter()) - self._started_s,
            fps=self._recent.overall_fps(),
            latency=self._stages.summary().get("latency", percentiles([])),
            stages={k: v for k, v in self._stages.summary().items() if k != "latency"},
            end=self._end,
            lost_views=tuple(self._lost_views),
            paused_s=self._paused_s,
        )

    @property
    def progress(self) -> Progress:
        """Where the run stands."""
        return Progress(
            frames_done=self._done,
            frames_dropped=self._dropped,
            frames_corrupt=self._source.report().corrupt,
            time_s=self._time_s,
            fps=self._recent.fps(),
            latency=self._recent.latency(),
            lost_views=tuple(self._lost_views),
            since_frame_s=time.perf_counter() - self._last_done_s if self._done else 0.0,
        )

    @property
    def _dropped(self) -> int:
        return self._strategy.frames.dropped + self._reader.frames_dropped - self._left_out

    def _consume(self) -> Iterator[FrameResult]:
        while not self._stop.is_set():
            try:
                if self._is_paused():
                    self._pause()
                if not (yield from self._process()):
                    break
            except StopRun:
                self._stop.set()
        if self._stop.is_set():
            self._end = "stopped"
            return
        if self._strategy.frames.error is not None:
            raise self._strategy.frames.error
        self._end = "frame limit" if self._reader.is_at_limit else "end of source"

    def _pause(self) -> None:
        """Waits until the run goes on; frames that come meanwhile are no dropped ones."""
        start_s, dropped = time.perf_counter(), self._dropped
        try:
            while self._is_paused():
                self._left_out += self._dropped - dropped  # so that views count no drops
                self._idle()
                time.sleep(PAUSED_EVERY_S)
        finally:
            paused_s = time.perf_counter() - start_s
            self._paused_s += paused_s
            self._left_out += self._dropped - dropped
            self._recent.skip(paused_s)
            self._last_done_s += paused_s

    def _process(self) -> Generator[FrameResult, None, bool]:
        """Takes the next batch through pipeline and sinks; returns False when there is none."""
        batch = self._strategy.next_batch()
        prepared = [one.prepared for one in batch if one.prepared is not None]
        if prepared:
            results = self._pipeline.infer(prepared)
        else:
            results = self._pipeline.step([one.frame for one in batch])
        for one, result in zip(batch, results, strict=True):
            stamped = self._stamped(one, result)
            self._finish(one, stamped)
            yield stamped
        return bool(batch)

    def _stamped(self, one: TimedFrame, result: FrameResult) -> FrameResult:
        """Returns the result with its time of receipt and its events, in a run that takes some."""
        if self._markers is None:
            return result
        received_s = one.received_s if self._source.is_live else None
        markers = self._markers.take(time_s=result.frame.time_s, received_s=received_s)
        return dataclasses.replace(result, received_s=received_s, markers=markers)

    def _finish(self, one: TimedFrame, result: FrameResult) -> None:
        """Writes a result to the sinks and counts it."""
        stage_s = {"decode": one.decode_s, **result.stage_s}
        self._deliver(result, stage_s)
        now_s = time.perf_counter()
        stage_s["latency"] = now_s - one.received_s
        self._stages.add(stage_s)
        self._recent.add(now_s, stage_s["latency"])
        self._done += 1
        self._last_done_s = now_s
        self._time_s = result.frame.time_s
        if result.faces.track_ids is not None:
            self._faces.add(result.faces.track_ids.tolist())

    def _deliver(self, result: FrameResult, stage_s: dict[str, float]) -> None:
        """Draws once if any sink wants it, then writes to every sink."""
        picture = None
        if self._compose is not None and any(sink.wants_overlay for sink in self._sinks):
            start_s = time.perf_counter()
            picture = self._compose(result)
            if isinstance(picture, np.ndarray):  # planes are read-only already
                picture.flags.writeable = False
            stage_s["overlay"] = time.perf_counter() - start_s
        start_s = time.perf_counter()
        for sink in tuple(self._sinks):
            try:
                sink.write(result, picture if sink.wants_overlay else None)
            except SinkError as error:
                self._lose(sink, error)
        stage_s["write"] = time.perf_counter() - start_s

    def _idle(self) -> None:
        """Lets views show that no frame comes, and answer keys; returns at once when stopped."""
        if self._stop.is_set():
            raise StopRun("the run was stopped while no frame came")
        for sink in tuple(self._sinks):
            if isinstance(sink, IdleSink):
                try:
                    sink.idle()
                except SinkError as error:
                    self._lose(sink, error)

    def _lose(self, sink: Sink, error: SinkError) -> None:
        """Removes a failed view and goes on; the failure of any other sink ends the run."""
        if not sink.is_view or len(self._sinks) == 1:
            raise error
        self._lost_views.append(f"{sink.name}: {error}")
        log.warning("view dropped: %s: %s", sink.name, error)
        self._sinks.remove(sink)
        sink.close()

    def _shut(self, *, failed: bool) -> None:
        """Stops reading, then closes the source, and the sinks in reverse order.

        With `failed`, errors while closing are only logged, since the run raises its first error;
        without, the first of them is raised once everything is closed.
        """
        self._stop.set()
        try:
            self._strategy.stop()
            parts: list[Source | Sink] = [self._source, *reversed(self._sinks)]
            closed = [_closing(part) for part in parts]
        finally:  # a second Ctrl-C must not leave threads that keep the process alive
            self._pool.close()
        errors = [error for error in closed if error is not None]
        has_ended = self._strategy.join(SOURCE_TIMEOUT_S) and self._pool.join(SOURCE_TIMEOUT_S)
        self._ended_s = time.perf_counter()
        if not has_ended:
            log.error("the source did not end within %g s of being closed", SOURCE_TIMEOUT_S)
        for error in errors if failed else errors[1:]:
            log.warning("while closing: %s", error)
        if errors and not failed:
            self._end = f"failed: {errors[0]}"
            raise errors[0]


class _FaceCount:
    """Counts distinct track ids with one bit each: trackers assign them in order, from 1."""

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
    """Closes a part; returns its error, so that the others are closed all the same."""
    try:
        part.close()
    except Exception as error:  # noqa: BLE001 - the caller raises or logs it
        return error
    return None
