import time

import numpy as np
import pytest

from rtau.config import RunConfig
from rtau.errors import UsageError
from rtau.runs.bench.live import PacedClip, run_live
from rtau.runs.bench.runs import Tally
from rtau.sources.synthetic import SyntheticSource
from tests.support.doubles import CountingEngine
from tests.support.media import frame_number, write_clip


def test_a_paced_clip_gives_each_frame_at_its_time_and_starts_again(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", count=4)
    source = PacedClip(clip, fps=50, seconds=0.12)
    started_s = time.monotonic()
    frames = list(source)
    assert time.monotonic() - started_s >= 5 / 50
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame_number(frame.image_bgr) for frame in frames] == [0, 1, 2, 3, 0, 1]
    assert np.allclose([frame.time_s for frame in frames], np.arange(6) / 50)
    assert source.is_live


def test_a_paced_clip_ends_when_it_is_closed(tmp_path):
    source = PacedClip(write_clip(tmp_path / "a.mp4"), fps=30, seconds=60)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []


@pytest.mark.needs_onnxruntime
def test_a_live_run_counts_what_came_and_what_was_lost():
    source = SyntheticSource(frames=66, width=160, height=90, fps=30, live=True)
    tally = Tally()
    cost = run_live(source, CountingEngine(), config=RunConfig(), sinks=[tally])
    assert tally.frames == 66 - cost.dropped
    assert cost.captured == 66
    assert len(cost.latencies_ms) == len(cost.infer_ms) > 0
    assert len(cost.latencies_ms) + cost.dropped <= 66
    assert min(cost.latencies_ms) > 0
    names = [(one.name, one.unit) for one in cost.metrics(clip=None)]
    assert names == [
        ("live, capture to overlay", "ms"),
        ("live, frames dropped", "frames"),
        ("live, frames captured", "frames"),
    ]


@pytest.mark.needs_onnxruntime
def test_a_live_run_that_is_too_short_is_refused():
    source = SyntheticSource(frames=3, width=160, height=90, fps=30, live=True)
    with pytest.raises(UsageError, match="too short for a live run"):
        run_live(source, CountingEngine(), config=RunConfig())
