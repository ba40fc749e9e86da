import subprocess

import pytest

from benchmarks import pairs
from benchmarks.pairs import Limit, ratios
from rtau.runs.bench.metrics import Cost


def cost(ms, frames=10):
    return Cost(frames, ms * frames / 1e3, cpu_s=0.0)


def test_ratios_are_of_pairs_and_per_frame():
    assert ratios([cost(30, frames=7), cost(10)], [cost(10), cost(5)]) == pytest.approx([3, 2])


@pytest.mark.parametrize(
    ("side", "value", "met"),
    [
        ("at least", 2.0, True),
        ("at least", 2.1, False),
        ("at most", 2.0, True),
        ("at most", 1.9, False),
    ],
)
def test_a_limit_is_compared_with_the_median(side, value, met):
    target = Limit("speed", side, value, "x").target([1.0, 2.0, 9.0], note="n")
    assert (target.measured, target.pairs, target.is_met, target.note) == (2.0, 3, met, "n")
    assert target.iqr == 4.0
    assert target.wanted == f"{side} {value:g} x"


def test_a_skipped_target_says_why_and_is_neither_met_nor_missed():
    target = Limit("speed", "at least", 2, "x").skip("no model")
    assert (target.measured, target.is_met, target.note) == (None, None, "no model")


def test_busy_loops_end_with_the_context(monkeypatch):
    begun = []

    class Loop(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            begun.append(self)

    monkeypatch.setattr(pairs.subprocess, "Popen", Loop)
    with pairs.busy_loops(2):
        assert [loop.poll() for loop in begun] == [None, None]
    assert all(loop.poll() is not None for loop in begun)
