"""A live run whose camera gives nothing for a while: its views are called all the same."""

from __future__ import annotations

import time

import pytest

from rtau.execution.runner import Runner
from rtau.protocols import StopRun
from tests.support.doubles import (
    CountingEngine,
    KeepingSink,
    ListSource,
    make_frame,
    make_pipeline,
)


class WaitingSource(ListSource):
    """A live source that gives one frame and then nothing until it is closed."""

    def __iter__(self):
        yield self.frames[0]
        while not self.closed:
            time.sleep(0.01)


class IdleView(KeepingSink):
    """A view that ends the run when it has been idle twice."""

    def __init__(self):
        super().__init__(is_view=True)
        self.idles = 0

    def idle(self):
        self.idles += 1
        if self.idles == 2:
            raise StopRun("q")


def test_views_are_called_and_may_end_the_run_while_no_frame_comes():
    view = IdleView()
    runner = Runner(
        source=WaitingSource([make_frame()], live=True),
        pipeline=make_pipeline(CountingEngine()),
        sinks=[view],
    )
    summary = runner.run()
    assert (summary.end, summary.frames_done, view.idles) == ("stopped", 1, 2)
    assert runner.progress.since_frame_s > 0


def test_a_paused_run_takes_no_frame_asks_its_views_and_goes_on():
    view, others = IdleView(), KeepingSink()
    pauses = [False, True, True]
    view.idle = pauses.pop
    runner = Runner(
        source=ListSource([make_frame(k) for k in range(4)], live=True),
        pipeline=make_pipeline(CountingEngine()),
        sinks=[view, others],
        drops=False,
        is_paused=lambda: bool(pauses) and len(others.results) == 2,
    )
    summary = runner.run()
    assert summary.frames_done == 4
    assert pauses == []
    assert summary.paused_s > 0
    assert summary.frames_dropped == 0


@pytest.mark.parametrize("live", [True, False])
def test_a_paused_run_ends_at_a_signal(live):
    kept = KeepingSink()
    runner = Runner(
        source=ListSource([make_frame(k) for k in range(4)], live=live),
        pipeline=make_pipeline(CountingEngine()),
        sinks=[kept],
        drops=False,
        is_paused=lambda: bool(kept.results) and (runner.stop() or True),
    )
    assert runner.run().end == "stopped"
    assert kept.results
