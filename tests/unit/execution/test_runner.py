import threading
import time

import cv2
import numpy as np
import pytest

from rtau.data import Frame
from rtau.errors import SinkError
from rtau.execution.runner import Runner
from rtau.protocols import StopRun
from tests.support.doubles import (
    CountingEngine,
    FixedDetector,
    KeepingSink,
    ListSource,
    make_frame,
    make_pipeline,
)


def make_runner(frames=10, *, sinks=None, live=False, **options):
    engine = CountingEngine()
    pipeline = make_pipeline(engine)
    source = ListSource([make_frame(k) for k in range(frames)], live=live)
    return Runner(source=source, pipeline=pipeline, sinks=sinks or [KeepingSink()], **options)


@pytest.mark.parametrize("frames", [0, 1, 3, 4, 5, 23])
def test_every_frame_of_a_file_reaches_the_sink_in_order(frames):
    sink = KeepingSink()
    summary = make_runner(frames, sinks=[sink]).run()

    assert [result.frame.index for result in sink.results] == list(range(frames))
    assert (summary.frames_read, summary.frames_done, summary.frames_dropped) == (frames, frames, 0)
    assert summary.end == "end of source"
    assert sink.closed == 1


@pytest.mark.parametrize("frames", [1, 4, 9, 23])
def test_preprocessing_ahead_changes_no_result(frames):
    sink = KeepingSink()
    make_runner(frames, sinks=[sink]).run()
    engine = CountingEngine()
    alone = make_pipeline(engine)
    wanted = [alone.step([make_frame(k)])[0] for k in range(frames)]

    for result, one in zip(sink.results, wanted, strict=True):
        np.testing.assert_array_equal(result.faces.boxes_xyxy, one.faces.boxes_xyxy)
        np.testing.assert_array_equal(result.faces.track_ids, one.faces.track_ids)
        np.testing.assert_array_equal(result.scores.logits, one.scores.logits)
        np.testing.assert_array_equal(result.active, one.active)


@pytest.mark.parametrize(("live", "threads"), [(False, [3, 1, 1, 1]), (True, [3, 3, 3, 3])])
def test_opencv_has_one_thread_after_the_first_frame_of_a_file_and_as_before_after_it(
    live, threads
):
    class Counting(FixedDetector):
        def __init__(self):
            super().__init__(fail_on=3)
            self.counts = {}

        def detect(self, frame, /, **how):
            self.counts[frame.index] = cv2.getNumThreads()
            return super().detect(frame, **how)

    before, detector = cv2.getNumThreads(), Counting()
    cv2.setNumThreads(3)
    try:
        engine = CountingEngine()
        pipeline = make_pipeline(engine, detector)
        source = ListSource([make_frame(k) for k in range(5)], live=live)
        with pytest.raises(RuntimeError, match="exploded"):
            Runner(source=source, pipeline=pipeline, sinks=[KeepingSink()], drops=False).run()
        assert list(detector.counts.values()) == threads
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_frames_preprocessed_before_a_failure_of_preprocessing_reach_the_sink():
    sink, engine = KeepingSink(), CountingEngine()
    pipeline = make_pipeline(engine, FixedDetector(fail_on=9))
    source = ListSource([make_frame(k) for k in range(20)])
    with pytest.raises(RuntimeError, match="detector exploded on call 9"):
        Runner(source=source, pipeline=pipeline, sinks=[sink]).run()

    assert [result.frame.index for result in sink.results] == list(range(9))
    assert sink.closed == 1


def test_a_slow_consumer_of_a_live_source_loses_old_frames_and_counts_them():
    class SlowSink(KeepingSink):
        def write(self, result, image, /):
            super().write(result, image)
            time.sleep(0.02)

    class Ticking(ListSource):
        def __iter__(self):
            for frame in super().__iter__():
                time.sleep(0.002)
                yield frame

    sink = SlowSink()
    runner = make_runner(sinks=[sink])
    runner = Runner(
        source=Ticking([make_frame(k) for k in range(60)], live=True),
        pipeline=runner._pipeline,
        sinks=[sink],
    )
    summary = runner.run()

    assert summary.frames_dropped > 0
    assert summary.frames_done + summary.frames_dropped == 60
    assert sink.results[-1].frame.index == 59


def test_max_frames_ends_the_run():
    sink = KeepingSink()
    summary = make_runner(20, sinks=[sink], max_frames=7).run()

    assert len(sink.results) == 7
    assert summary.end == "frame limit"


def test_stop_from_another_thread_ends_soon_and_closes():
    class Endless(ListSource):
        def __iter__(self):
            while not self.closed:
                yield make_frame()

    sink = KeepingSink()
    runner = make_runner(sinks=[sink])
    runner = Runner(source=Endless([]), pipeline=runner._pipeline, sinks=[sink])
    threading.Timer(0.2, runner.stop).start()
    start_s = time.perf_counter()
    summary = runner.run()

    assert time.perf_counter() - start_s < 5
    assert summary.end == "stopped"
    assert sink.closed == 1


@pytest.mark.parametrize("live", [False, True])
def test_results_come_one_by_one_when_the_sinks_have_taken_them(live):
    sink = KeepingSink()
    runner = make_runner(6, sinks=[sink], live=live, drops=False)

    for k, result in enumerate(runner.results()):
        assert result.frame.index == k
        assert sink.results[k] is result
    assert k == 5
    assert runner.summary.end == "end of source"
    assert sink.closed == 1


@pytest.mark.parametrize("live", [False, True])
def test_closing_the_results_early_ends_the_run_with_its_threads(live):
    sink, before = KeepingSink(), set(threading.enumerate())
    runner = make_runner(60, sinks=[sink], live=live, drops=False)
    results = runner.results()
    next(results)
    results.close()

    assert set(threading.enumerate()) == before
    assert runner.summary.end == "stopped"
    assert sink.closed == 1


def test_a_view_that_is_closed_ends_the_run_cleanly():
    view = KeepingSink(is_view=True, fail_on=3, error=StopRun())
    other = KeepingSink()
    summary = make_runner(50, sinks=[other, view]).run()

    assert summary.end == "stopped"
    assert other.closed == view.closed == 1


def test_a_view_that_fails_is_dropped_and_named():
    view = KeepingSink(is_view=True, fail_on=3, name="window")
    other = KeepingSink()
    summary = make_runner(10, sinks=[other, view]).run()

    assert len(other.results) == 10
    assert summary.lost_views == ("window: disk full: no space left on device",)
    assert view.closed == 1


def test_a_view_that_is_the_only_sink_ends_the_run_when_it_fails():
    with pytest.raises(SinkError, match="disk full"):
        make_runner(10, sinks=[KeepingSink(is_view=True, fail_on=3)]).run()


def test_an_error_while_closing_is_raised_after_everything_is_closed():
    bad, good = KeepingSink(fail_close=True), KeepingSink()
    runner = make_runner(3, sinks=[good, bad])

    with pytest.raises(SinkError, match="closing failed"):
        runner.run()

    assert good.closed == 1
    assert runner.summary.end.startswith("failed: closing failed")


def test_the_picture_is_drawn_once_for_all_who_want_it_and_cannot_be_written_on():
    drawn = []

    def compose(result):
        drawn.append(result.frame.index)
        return result.frame.image_bgr.copy()

    first, second, none = (
        KeepingSink(wants_overlay=True),
        KeepingSink(wants_overlay=True),
        KeepingSink(),
    )
    make_runner(5, sinks=[first, second, none], compose=compose).run()

    assert drawn == list(range(5))
    assert first.images[0] is second.images[0]
    assert none.images == [None] * 5
    with pytest.raises(ValueError, match="read-only"):
        first.images[0][0, 0] = 0


def test_nothing_is_drawn_when_no_sink_wants_it():
    def compose(result):
        raise AssertionError("drawn although no sink wants it")

    make_runner(5, compose=compose).run()


def test_the_summary_counts_tracks_and_times_stages():
    summary = make_runner(12).run()

    assert summary.tracks == 1
    assert {"decode", "find", "crop", "infer", "decide", "write"} <= set(summary.stages)
    assert summary.latency.samples == 12
    assert summary.fps > 0


def test_progress_tells_where_the_run_stands():
    seen = []

    class Watcher(KeepingSink):
        def write(self, result, image, /):
            super().write(result, image)
            seen.append(runner.progress.frames_done)

    runner = make_runner(6, sinks=[Watcher()])
    runner.run()

    assert seen == list(range(6))
    assert runner.progress.time_s == pytest.approx(5 / 25)


def test_two_runs_give_the_same_results():
    first, second = KeepingSink(), KeepingSink()
    make_runner(11, sinks=[first]).run()
    make_runner(11, sinks=[second]).run()

    for one, other in zip(first.results, second.results, strict=True):
        np.testing.assert_array_equal(one.scores.logits, other.scores.logits)


class SlowSink(KeepingSink):
    """Says that it is slow, and is."""

    def __init__(self, **options):
        super().__init__(is_slow=True, **options)
        self.threads = set()

    def write(self, result, image, /):
        time.sleep(2e-3)
        self.threads.add(threading.current_thread().name)
        super().write(result, image)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("frames", [0, 1, 30])
def test_a_slow_sink_has_every_frame_in_order_when_the_run_ends(live, frames):
    slow, quick = SlowSink(), KeepingSink()
    summary = make_runner(frames, sinks=[slow, quick], live=live, drops=False).run()

    assert [result.frame.index for result in slow.results] == list(range(frames))
    assert len(quick.results) == summary.frames_done == frames
    assert slow.closed == quick.closed == 1


def test_live_a_slow_sink_is_written_to_beside_the_calling_thread():
    slow = SlowSink()
    make_runner(20, sinks=[slow], live=True, drops=False).run()

    assert "rtau-worker" in slow.threads


def test_a_slow_sink_that_fails_ends_the_run_and_the_others_keep_what_they_have():
    slow, quick = SlowSink(fail_on=3), KeepingSink()
    with pytest.raises(SinkError, match="disk full"):
        make_runner(40, sinks=[quick, slow]).run()

    assert len(slow.results) == 3
    assert len(quick.results) >= 3
    assert slow.closed == quick.closed == 1


def test_what_a_slow_sink_was_handed_before_a_failure_elsewhere_is_written():
    slow, other = SlowSink(), KeepingSink(fail_on=8)
    with pytest.raises(SinkError, match="disk full"):
        make_runner(40, sinks=[slow, other]).run()

    assert [result.frame.index for result in slow.results] == list(range(9))


def test_what_a_slow_sink_was_handed_before_a_stop_is_written():
    view, slow = KeepingSink(is_view=True, fail_on=6, error=StopRun()), SlowSink()
    summary = make_runner(1000, sinks=[slow, view]).run()

    assert summary.end == "stopped"
    assert [result.frame.index for result in slow.results] == list(range(len(slow.results)))
    assert len(slow.results) > 6


@pytest.mark.parametrize("cores", [1, 2, 16])
@pytest.mark.parametrize("sinks", [1, 2])
def test_a_run_over_a_file_has_a_thread_to_a_core_but_none_without_work(monkeypatch, cores, sinks):
    monkeypatch.setattr("rtau.execution.strategies.usable_cores", lambda: cores)
    before, counts = threading.active_count(), []

    class Watcher(KeepingSink):
        def write(self, result, image, /):
            super().write(result, image)
            counts.append(threading.active_count() - before)

    slow = [SlowSink() for _ in range(sinks - 1)]
    make_runner(9, sinks=[Watcher(), *slow]).run()

    assert set(counts) == {max(min(cores - 1, 1 + sinks), 1)}
    assert threading.active_count() == before


@pytest.mark.parametrize("size", [(64, 48), (3840, 2160)], ids=["small", "4K"])
def test_frames_of_any_size_all_reach_the_sink(size):
    engine, sink = CountingEngine(), KeepingSink()
    image = np.zeros((size[1], size[0], 3), np.uint8)
    frames = [Frame(index=k, time_s=k / 25, picture=image) for k in range(11)]
    pipeline = make_pipeline(engine)
    Runner(source=ListSource(frames), pipeline=pipeline, sinks=[sink]).run()

    assert [result.frame.index for result in sink.results] == list(range(11))


def test_an_interruption_while_closing_leaves_no_thread():
    class Interrupted(SlowSink):
        def close(self):
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        make_runner(9, sinks=[Interrupted()]).run()

    until_s = time.perf_counter() + 5
    while threading.active_count() > before and time.perf_counter() < until_s:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_an_interruption_while_a_slow_sink_is_written_closes_all_and_writes_the_rest(monkeypatch):
    monkeypatch.setattr(
        "rtau.execution.strategies.FileStrategy.worker_threads", lambda self, stages: 0
    )  # the caller writes

    class InterruptedOnce(SlowSink):
        def write(self, result, image, /):
            if result.frame.index == 2 and not self.closed:
                self.closed = -1
                raise KeyboardInterrupt
            super().write(result, image)

    quick, slow = KeepingSink(), InterruptedOnce()
    with pytest.raises(KeyboardInterrupt):
        make_runner(40, sinks=[quick, slow]).run()

    assert quick.closed == 1
    written = [result.frame.index for result in slow.results]
    assert written == [k for k in range(len(quick.results)) if k != 2][: len(written)]
    assert len(written) >= len(quick.results) - 2
