"""The two ways to run: over a file, for throughput, and live, for low latency.

A strategy decides how frames are read ahead, how many share a batch, how many results a slow sink
may queue, and how many threads work. The runner uses one of them per run, and benchmarks use
the batch size of a run over a file.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from rtau.cpu import usable_cores
from rtau.execution.opencv_threads import own_opencv_threads, single_threaded_opencv
from rtau.execution.queue import BoundedQueue
from rtau.execution.source_reader import SourceReader, TimedFrame
from rtau.execution.worker_pool import WorkerPool
from rtau.pipeline import Pipeline

# Frames preprocessed ahead of inference: hides a full-frame detection, which takes as long as eight
# frames without one. Fewer for large frames, to bound memory: 12 of 1920x1080, 4 of 4K.
PREFETCH_FRAMES = 12
PREFETCH_MIN_FRAMES = 4
PREFETCH_PIXELS = 2**25
# Half as many are decoded ahead of preprocessing and wait for a slow sink: enough that neither side
# waits for every hiccup of the other, or for a batch.
PREFETCH_PER_SIDE_QUEUE = 2
# The same for a live source that may lose no frame.
LIVE_PREFETCH_FRAMES = 4
# Interval of calling the views while no frame comes: keys are answered, a lost camera is shown.
IDLE_EVERY_S = 0.25
# Frames of a file that share one batch; twice as many where they have no more than a face each,
# since a network takes a tenth less per face for eight than for four. More save little and cost
# memory.
FILE_BATCH = 4


class FileStrategy:
    """Every frame, in batches, decoded and preprocessed ahead by the worker pool."""

    def __init__(
        self, reader: SourceReader, pipeline: Pipeline, pool: WorkerPool, *, frame_px: int
    ) -> None:
        """Adds reading and preprocessing to the pool."""
        self._pool = pool
        self._pipeline = pipeline
        self._frame_px = frame_px
        self._is_first_frame = self._is_first_batch = True
        size = prefetch_size(frame_px)
        self.sink_queue_size = size // PREFETCH_PER_SIDE_QUEUE
        decoded: BoundedQueue[TimedFrame] = pool.queue(size=size // PREFETCH_PER_SIDE_QUEUE)
        self.frames: BoundedQueue[TimedFrame] = pool.queue(size=size)
        pool.add_producer(iter(reader), outputs=decoded)
        pool.add_stage(self._preprocess, inputs=decoded, outputs=self.frames)

    def worker_threads(self, stages: int, /) -> int:
        """Returns one thread per core, the calling one included, and one at least."""
        return max(min(usable_cores() - 1, stages), 1)

    def opencv_threads(self) -> AbstractContextManager[None]:
        """Limits OpenCV to one thread: the pool uses the cores."""
        return single_threaded_opencv()

    def start(self) -> None:
        """Does nothing: the pool reads."""

    def next_batch(self) -> list[TimedFrame]:
        """Returns the next batch; the first frame goes alone, for an early first result."""
        if self._is_first_batch:
            self._is_first_batch = False
            return self.frames.take(1)
        batch = self.frames.take(FILE_BATCH)
        faces = sum(len(one.prepared.faces) for one in batch if one.prepared is not None)
        if merges_next_batch(faces, frame_px=self._frame_px):
            batch += self.frames.take(FILE_BATCH)
        return batch

    def stop(self) -> None:
        """Stops reading and preprocessing; sinks get what was inferred."""
        self._pool.stop_producers()

    def join(self, timeout_s: float) -> bool:  # noqa: ARG002 - the pool joins its own threads
        """Returns True: there is no thread outside the pool."""
        return True

    def _preprocess(self, one: TimedFrame) -> TimedFrame:
        with own_opencv_threads() if self._is_first_frame else nullcontext():
            prepared = self._pipeline.preprocess(one.frame)
        self._is_first_frame = False
        return dataclasses.replace(one, prepared=prepared)


class LiveStrategy:
    """One frame at a time, read on a thread of its own: a frame that waits is late.

    With `drops_oldest` only the newest frame is kept, otherwise a few.
    """

    sink_queue_size = LIVE_PREFETCH_FRAMES // PREFETCH_PER_SIDE_QUEUE

    def __init__(
        self, reader: SourceReader, *, drops_oldest: bool, idle: Callable[[], None]
    ) -> None:
        """Prepares the reading thread; `idle` is called again and again while no frame comes."""
        self._idle = idle
        size = 1 if drops_oldest else LIVE_PREFETCH_FRAMES
        self.frames: BoundedQueue[TimedFrame] = BoundedQueue(size=size, drops_oldest=drops_oldest)
        self._thread = threading.Thread(target=self.frames.fill, args=(reader,), name="rtau-reader")

    def worker_threads(self, stages: int, /) -> int:
        """Returns one thread per stage: no slow sink waits for another."""
        return stages

    def opencv_threads(self) -> AbstractContextManager[None]:
        """Leaves OpenCV its threads: the cores are idle between frames."""
        return nullcontext()

    def start(self) -> None:
        """Starts the reading thread."""
        self._thread.start()

    def next_batch(self) -> list[TimedFrame]:
        """Returns the next frame."""
        while not self.frames.wait_for_item(IDLE_EVERY_S):
            self._idle()
        return self.frames.take(1)

    def stop(self) -> None:
        """Stops reading."""
        self.frames.close()

    def join(self, timeout_s: float) -> bool:
        """Returns whether the reading thread has ended within a time."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()


def prefetch_size(frame_px: int, /) -> int:
    """Returns how many frames of so many pixels are preprocessed ahead of inference."""
    return min(max(PREFETCH_PIXELS // max(frame_px, 1), PREFETCH_MIN_FRAMES), PREFETCH_FRAMES)


def merges_next_batch(faces: int, /, *, frame_px: int) -> bool:
    """Returns True where `FILE_BATCH` frames have so few faces that the next batch joins them.

    Only for frames so small that `PREFETCH_FRAMES` of them are held ahead.
    """
    return faces <= FILE_BATCH and prefetch_size(frame_px) == PREFETCH_FRAMES
