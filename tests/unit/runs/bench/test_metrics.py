import math

import pytest

from rtau.errors import UsageError
from rtau.runs.bench import metrics
from rtau.runs.bench.metrics import (
    KEPT_SAMPLES,
    Cost,
    Step,
    in_turn,
    metric,
    step_metric,
    time_step,
    timed,
)
from tests.support.records import make_metric


def test_a_metric_has_the_percentiles_of_its_samples():
    made = metric("decode", [float(k) for k in range(1, 102)])
    assert (made.p50, made.p95, made.p99) == (51.0, 96.0, 100.0)
    assert (made.mean, made.iqr, made.rounds) == (51.0, 50.0, 101)
    assert made.samples == ()  # more than are kept


def test_few_samples_are_kept_as_they_are():
    assert metric("run", [3.0, 1.0]).samples == (3.0, 1.0)
    assert len(metric("run", [1.0] * KEPT_SAMPLES).samples) == KEPT_SAMPLES


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"p95": 1.0, "p50": 2.0}, "p50 <= p95 <= p99"),
        ({"rounds": 0, "samples": ()}, "rounds >= 1"),
        ({"iqr": math.nan}, "finite values >= 0"),
        ({"cpu_ms": -1.0}, "finite values >= 0"),
        ({"samples": (1.0,)}, "as many samples as rounds"),
    ],
)
def test_an_inconsistent_metric_is_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        make_metric(**changes)


def test_no_samples_give_no_metric():
    with pytest.raises(UsageError, match="'decode' needs at least one sample"):
        metric("decode", [])


def test_a_step_is_prepared_before_every_run_and_divided_by_its_units():
    calls = []
    step = Step(
        "infer", lambda: calls.append("run"), lambda: calls.append("prepare"), units=4, batch=8
    )
    costs = time_step(step, seconds=0, warm_ups=1, least=2)
    assert calls == ["prepare", "run"] * 3
    assert [cost.units for cost in costs] == [4, 4]
    made = step_metric(step, seconds=0, clip=None)
    assert (made.name, made.batch, made.unit) == ("infer", 8, "ms")
    assert made.cpu_ms is not None


class Clock:
    """Stands for the module `time`: time passes only in `sleep`."""

    def __init__(self):
        self.now_s = 100.0

    def perf_counter(self):
        return self.now_s

    monotonic = perf_counter

    def process_time(self):
        return self.now_s / 4

    def sleep(self):
        self.now_s += 0.25


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(metrics, "time", clock)
    return clock


def test_a_step_is_repeated_until_its_time_is_over_or_its_rounds_are_many(clock):
    step = Step("wait", clock.sleep)
    assert len(time_step(step, seconds=1, warm_ups=2, least=2)) == 4
    assert len(time_step(step, seconds=1, warm_ups=2, least=6)) == 6
    assert len(time_step(step, seconds=1, warm_ups=2, most=3)) == 3


def test_a_cost_is_per_unit(clock):
    cost = timed(clock.sleep, units=10)
    assert (cost.ms, cost.cpu_ms, cost.fps) == (25, 6.25, 40)


def test_calls_take_turns_and_the_first_round_is_not_kept(clock):
    order = []

    def call(name):
        return lambda: order.append(name) or Cost(1, len(order) / 1e3, cpu_s=0.0)

    costs = in_turn({"a": call("a"), "b": call("b")}, rounds=2)
    assert order == ["a", "b"] * 3
    assert [one.ms for one in costs["a"]] == pytest.approx([3, 5])
    assert [one.ms for one in costs["b"]] == pytest.approx([4, 6])


def test_rounds_go_on_until_their_time_has_passed(clock):
    call = {"wait": lambda: timed(clock.sleep)}
    assert len(in_turn(call, rounds=1, seconds=1)["wait"]) == 3
    assert len(in_turn(call, rounds=6, seconds=1)["wait"]) == 6
