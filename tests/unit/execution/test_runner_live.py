"""A live run that cannot keep up: its latency stays constant, and it counts dropped frames.

Time is simulated: camera and consumer advance it in turns, so that every number is exact.
"""

from __future__ import annotations

import threading
import types
import weakref

import numpy as np
import pytest

from rtau.data import Frame
from rtau.execution import runner as runner_module
from rtau.execution import source_reader
from rtau.execution.runner import Runner
from rtau.protocols import SourceInfo, SourceReport
from tests.support.doubles import CountingEngine, NullSink, make_pipeline

TIMEOUT_S = 30.0
FPS = 30
# Sums of floats; a frame that is due is never missed by one of them.
ROUNDING_S, SLACK_S = 1e-9, 1e-6


class SimulatedClock:
    """A clock that a consumer advances, stopping wherever a camera has a frame to give."""

    def __init__(self):
        self.now_s = 0.0
        self._next_frame_s = 0.0
        self._changed = threading.Condition()

    def perf_counter(self):
        return self.now_s

    def wait_until(self, time_s):
        """The camera's side: returns when it is that time. What it gave before has arrived."""
        with self._changed:
            self._next_frame_s = time_s
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self.now_s >= time_s, TIMEOUT_S)

    def end(self):
        """The camera has no further frame."""
        self._next_frame_s = float("inf")
        with self._changed:
            self._changed.notify_all()

    def work(self, seconds):
        """The consumer's side: time passes, and the camera gives what falls into it.

        It must be long enough for a frame: an idle consumer would wait for a clock at rest.
        """
        until_s = self.now_s + seconds + ROUNDING_S
        with self._changed:
            while self._next_frame_s <= until_s:
                given_s = self._next_frame_s
                self.now_s = max(self.now_s, given_s)
                self._changed.notify_all()
                moved_on = lambda given_s=given_s: self._next_frame_s > given_s  # noqa: E731
                assert self._changed.wait_for(moved_on, TIMEOUT_S)
            self.now_s = until_s


class SimulatedCamera:
    """Gives a frame every 1/30 s of simulated time, whether or not it is taken."""

    is_live = True
    dropped = 0

    def __init__(self, clock, *, frames):
        self.info = SourceInfo("camera 0", 160, 120, nominal_fps=None, frame_count=None)
        self.alive = 0
        self._clock = clock
        self._frames = frames

    def __iter__(self):
        for index in range(self._frames):
            time_s = index / FPS
            self._clock.wait_until(time_s)
            image_bgr = np.zeros((120, 160, 3), np.uint8)
            self.alive += 1
            weakref.finalize(image_bgr, self._gone)
            yield Frame(index=index, time_s=time_s, picture=image_bgr)
        self._clock.end()

    def report(self):
        return SourceReport(dropped=self.dropped)

    def close(self):
        pass

    def _gone(self):
        self.alive -= 1


class SlowSink(NullSink):
    """Takes its time over every frame, and notes how late each is when it is done."""

    def __init__(self, clock, camera, *, seconds):
        super().__init__()
        self.late_s, self.indices, self.alive, self.progress_s = [], [], [], []
        self.runner = None
        self._clock, self._camera, self._seconds = clock, camera, seconds

    def write(self, result, image, /):
        self._clock.work(self._seconds)
        self.late_s.append(self._clock.now_s - result.frame.time_s)
        self.indices.append(result.frame.index)
        self.alive.append(self._camera.alive)
        self.progress_s.append(self.runner.progress.latency.p95_s)


def run_live(monkeypatch, *, frames, seconds_per_frame):
    clock = SimulatedClock()
    for module in (runner_module, source_reader):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=clock.perf_counter))
    camera = SimulatedCamera(clock, frames=frames)
    sink = SlowSink(clock, camera, seconds=seconds_per_frame)
    engine = CountingEngine()
    pipeline = make_pipeline(engine)
    sink.runner = Runner(source=camera, pipeline=pipeline, sinks=[sink])
    return sink.runner.run(), sink


@pytest.mark.parametrize("seconds_per_frame", [0.04, 0.1, 0.25])
def test_a_consumer_that_cannot_keep_up_is_never_later_than_its_own_work(
    monkeypatch, seconds_per_frame
):
    summary, sink = run_live(monkeypatch, frames=300, seconds_per_frame=seconds_per_frame)

    # A frame waits at most until the next one takes its place.
    assert max(sink.late_s) <= seconds_per_frame + 1 / FPS + SLACK_S
    assert max(sink.late_s[-5:]) <= max(sink.late_s[:5]) + 1 / FPS + SLACK_S
    assert max(sink.progress_s) <= seconds_per_frame + 1 / FPS + SLACK_S
    assert summary.latency.p99_s <= seconds_per_frame + 1 / FPS + SLACK_S


def test_dropped_frames_are_counted_exactly(monkeypatch):
    summary, sink = run_live(monkeypatch, frames=300, seconds_per_frame=0.1)

    # Three frames come in each tenth of a second and the newest of them is taken.
    assert sink.indices[:4] == [0, 3, 6, 9]
    assert sink.indices[-1] == 299
    assert summary.frames_read == 300
    assert summary.frames_done == len(sink.indices)
    assert summary.frames_dropped == 300 - len(sink.indices)
    gaps = np.diff(sink.indices) - 1
    assert summary.frames_dropped == gaps.sum()


def test_a_consumer_that_keeps_up_loses_nothing(monkeypatch):
    summary, sink = run_live(monkeypatch, frames=60, seconds_per_frame=1 / FPS)

    assert (summary.frames_done, summary.frames_dropped) == (60, 0)
    assert max(sink.late_s) <= 1 / FPS + SLACK_S


def test_a_slow_live_run_holds_no_more_frames_late_than_early(monkeypatch):
    _, sink = run_live(monkeypatch, frames=300, seconds_per_frame=0.1)

    # The one worked on, the newest, and the one the reader holds.
    assert max(sink.alive) <= 3


def test_frames_a_source_drops_by_itself_are_counted_too():
    class Skipping(SimulatedCamera):
        """Drops every other frame before anybody can take it."""

        def __iter__(self):
            for index in range(0, self._frames, 2):
                yield Frame(index=index, time_s=index / FPS, picture=np.zeros((9, 9, 3), np.uint8))
                self.dropped += 1

    engine = CountingEngine()
    pipeline = make_pipeline(engine)
    source = Skipping(SimulatedClock(), frames=20)
    summary = Runner(source=source, pipeline=pipeline, sinks=[NullSink()], drops=False).run()

    assert summary.frames_done == 10
    # The last was dropped after the last frame was taken.
    assert (summary.frames_read, summary.frames_dropped) == (19, 9)
