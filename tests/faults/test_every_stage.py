"""Whatever stage raises on whatever frame, the run ends soon with that error and loses nothing."""

import threading
import time

import pytest

from rtau.decisions import Decider
from rtau.execution.runner import Runner
from rtau.execution.strategies import FILE_BATCH
from rtau.pipeline import Pipeline
from tests.support.doubles import (
    CountingEngine,
    EagerAligner,
    FixedDetector,
    KeepingSink,
    ListSource,
    make_frame,
    make_tracker,
)

FRAMES = 24
WHEN = {"first": 0, "middle": FRAMES // 2, "last": FRAMES - 1}
STAGES = ("source", "detector", "aligner", "engine", "sink", "overlay")
TIMEOUT_S = 5.0


def faulty_run(stage, k, kept, *, live):
    """Returns a runner whose named stage raises at frame k; `kept` is written before the fault."""
    engine = CountingEngine(fail_on=k if stage == "engine" else None)
    pipeline = Pipeline(
        tracker=make_tracker(
            FixedDetector(fail_on=k if stage == "detector" else None),
            EagerAligner(fail_on=k if stage == "aligner" else None),
        ),
        engine=engine,
        decider=Decider(engine.contract),
    )

    def compose(result):
        if stage == "overlay" and result.frame.index == k:
            raise RuntimeError(f"overlay exploded on frame {k}")
        return result.frame.image_bgr.copy()

    fault = OSError(f"sink exploded on frame {k}")
    sinks = [
        kept,
        KeepingSink(
            wants_overlay=True, fail_on=k if stage == "sink" else None, error=fault, name="faulty"
        ),
    ]
    source = ListSource(
        [make_frame(i) for i in range(FRAMES)], live=live, fail_on=k if stage == "source" else None
    )
    return Runner(source=source, pipeline=pipeline, sinks=sinks, compose=compose, drops=False)


@pytest.mark.parametrize("live", [False, True], ids=["file", "live"])
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("stage", STAGES)
def test_the_run_ends_with_the_original_error_and_no_thread(stage, when, live):
    k = WHEN[when]
    # In file mode the engine sees batches of several frames: its k-th call may never come.
    if stage == "engine" and not live:
        k = {"first": 0, "middle": 1, "last": 2}[when]
    kept = KeepingSink()
    runner = faulty_run(stage, k, kept, live=live)
    before = threading.active_count()
    start_s = time.perf_counter()

    with pytest.raises((RuntimeError, OSError), match=f"{stage} exploded on .* ?{k}"):
        runner.run()

    assert time.perf_counter() - start_s < TIMEOUT_S
    assert threading.active_count() == before
    assert kept.closed == 1
    assert runner.summary.end.startswith(f"failed: {stage} exploded")
    assert [result.frame.index for result in kept.results] == list(range(len(kept.results)))
    assert runner.summary.frames_done <= 2 * FILE_BATCH * (k + 1)


@pytest.mark.parametrize("when", WHEN)
def test_frames_before_a_source_fault_are_all_delivered(when):
    kept = KeepingSink()
    runner = faulty_run("source", WHEN[when], kept, live=False)

    with pytest.raises(OSError, match="source exploded"):
        runner.run()

    assert len(kept.results) == WHEN[when]
