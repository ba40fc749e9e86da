import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import timing


def test_fps_counts_intervals_not_instants():
    assert timing.frames_per_second(31, first_s=10.0, last_s=11.0) == pytest.approx(30.0)


@pytest.mark.parametrize(("count", "last_s"), [(0, 5.0), (1, 5.0), (2, 0.0)])
def test_fps_without_an_interval_is_zero(count, last_s):
    assert timing.frames_per_second(count, first_s=0.0, last_s=last_s) == 0.0


def test_percentiles_of_a_known_list():
    found = timing.percentiles([k / 100 for k in range(101)])

    assert (found.p50_s, found.p95_s, found.p99_s) == pytest.approx((0.5, 0.95, 0.99))
    assert found.samples == 101


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_percentiles_are_those_of_numpy(seconds):
    found = timing.percentiles(seconds)
    expected = np.percentile(seconds, [50, 95, 99])

    np.testing.assert_allclose([found.p50_s, found.p95_s, found.p99_s], expected, rtol=1e-9)


def test_a_lap_shares_the_time_between_frames_and_starts_anew(monkeypatch):
    now = iter([0.0, 1.0, 1.0, 4.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(now))
    clock = timing.StageClock()
    with clock.stage("a"):
        pass
    with clock.stage("a"):
        pass

    assert clock.lap(2) == {"a": 2.0}
    assert clock.lap(2) == {}


def test_history_keep_bounded_memory_and_the_full_count():
    history = timing.StageHistory()
    for k in range(timing.HISTORY_FRAMES + 10):
        history.add({"infer": float(k)})

    summary = history.summary()["infer"]

    assert summary.samples == timing.HISTORY_FRAMES + 10
    assert summary.p50_s == pytest.approx(10 + (timing.HISTORY_FRAMES - 1) / 2)
