import pytest

from benchmarks.pairs import Limit, in_turn, ratios
from rtau.runs.bench.runs import Cost


def cost(ms, frames=10):
    return Cost(frames, ms * frames / 1e3, cpu_s=0.0)


def test_acts_take_turns_and_the_first_round_is_not_kept():
    calls = []

    def act(name):
        return lambda: calls.append(name) or cost(len(calls))

    costs = in_turn({"a": act("a"), "b": act("b")}, rounds=2)
    assert calls == ["a", "b"] * 3
    assert [one.ms for one in costs["a"]] == pytest.approx([3, 5])
    assert [one.ms for one in costs["b"]] == pytest.approx([4, 6])


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
def test_a_limit_judges_the_median(side, value, met):
    target = Limit("speed", side, value, "x").judge([1.0, 2.0, 9.0], note="n")
    assert (target.measured, target.pairs, target.is_met, target.note) == (2.0, 3, met, "n")
    assert target.iqr == 4.0
    assert target.wanted == f"{side} {value:g} x"


def test_a_skipped_target_says_why_and_is_neither_met_nor_missed():
    target = Limit("speed", "at least", 2, "x").skip("no model")
    assert (target.measured, target.is_met, target.note) == (None, None, "no model")
