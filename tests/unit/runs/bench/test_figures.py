import math

import pytest

from rtau.errors import UsageError
from rtau.runs.bench.figures import KEPT_SAMPLES, Step, figure, spend, step_figure
from tests.support.records import make_figure


def test_a_figure_has_the_percentiles_of_its_samples():
    made = figure("decode", [float(k) for k in range(1, 102)])
    assert (made.p50, made.p95, made.p99) == (51.0, 96.0, 100.0)
    assert (made.mean, made.iqr, made.rounds) == (51.0, 50.0, 101)
    assert made.samples == ()  # more than are kept


def test_few_samples_are_kept_as_they_are():
    assert figure("run", [3.0, 1.0]).samples == (3.0, 1.0)
    assert len(figure("run", [1.0] * KEPT_SAMPLES).samples) == KEPT_SAMPLES


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
def test_a_figure_that_cannot_be_is_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        make_figure(**changes)


def test_no_samples_give_no_figure():
    with pytest.raises(UsageError, match="'decode' needs at least one sample"):
        figure("decode", [])


def test_a_step_is_prepared_before_every_act_and_divided_by_what_it_does():
    calls = []
    step = Step(
        "infer", lambda: calls.append("act"), lambda: calls.append("prepare"), per=4, batch=8
    )
    spent = spend(step, seconds=0, warm_ups=1, least=2)
    assert calls == ["prepare", "act"] * 3
    assert len(spent.wall_s) == 2
    made = step_figure(step, seconds=0, clip=None)
    assert (made.name, made.batch, made.unit) == ("infer", 8, "ms")
    assert made.cpu_ms is not None
