import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau_train.synth import sampling
from rtau_train.synth.sampling import DISTRACTORS, EXPRESSIONS, LABELLED

DRAWS = 3000


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(5)
    return [sampling.sampled_expression(rng) for _ in range(DRAWS)]


def test_shares_of_the_expressions_sum_to_one():
    assert sum(share for share, _ in EXPRESSIONS.values()) == pytest.approx(1)


def test_every_labelled_action_is_named_and_in_range(drawn):
    for expression in drawn:
        assert set(LABELLED) <= expression.intensities.keys()
        assert set(expression.intensities) <= {*LABELLED, *DISTRACTORS}
        assert all(0 <= value <= 5 for value in expression.intensities.values())


@pytest.mark.parametrize("au", LABELLED)
def test_each_action_occurs_often_enough_to_learn(drawn, au):
    share = np.mean([expression.intensities[au] >= 2 for expression in drawn])

    assert 0.05 < share < 0.40


@pytest.mark.parametrize("au", DISTRACTORS)
def test_each_distractor_occurs(drawn, au):
    assert sum(au in expression.intensities for expression in drawn) > DRAWS / 100


def test_no_pair_of_actions_always_comes_together(drawn):
    shown = np.array([[e.intensities[au] >= 2 for au in LABELLED] for e in drawn], float)
    together = np.corrcoef(shown.T) - np.eye(len(LABELLED))

    assert np.abs(together).max() < 0.75


def test_actions_that_exclude_each_other_are_parted(drawn):
    for first, second in ((12, 15), (5, 45), (24, 26)):
        for expression in drawn:
            both = [expression.intensities.get(au, 0) for au in (first, second)]
            assert min(both) <= 1


def test_a_dropped_jaw_parts_the_lips(drawn):
    for expression in drawn:
        if expression.intensities[26] > 0.5:
            assert expression.intensities[25] >= 1


def test_all_expressions_come_up(drawn):
    counts = collections.Counter(expression.name for expression in drawn)

    assert counts.keys() == EXPRESSIONS.keys()


def test_what_is_asked_for_is_all_that_happens():
    expression = sampling.only({4: 3.0})

    assert {au for au, value in expression.intensities.items() if value} == {4}
    assert {name.split("_")[0] for name in expression.weights} == {
        "browDown",
        "browPinch",
        "eyeSquint",
    }


@given(gap=st.floats(0.13, 3), label=st.floats(0, 5))
def test_open_lips_are_labelled_open(gap, label):
    mended = sampling.parted_lips({25: label}, gap)[25]

    assert mended >= label
    assert mended >= 0.6 * np.interp(gap, [0.10, 0.25, 1, 2], [0, 0.8, 3, 4]) - 1e-9


@given(gap=st.floats(-1, 0.05), label=st.floats(0, 5))
def test_closed_lips_are_not_labelled_open(gap, label):
    assert sampling.parted_lips({25: label}, gap)[25] <= 0.5


def test_other_labels_are_left_alone():
    assert sampling.parted_lips({25: 0.0, 12: 4.0}, 1.0)[12] == 4.0


def test_old_skin_has_folds_without_an_action():
    rng = np.random.default_rng(0)
    still = dict.fromkeys(LABELLED, 0.0)
    old = sampling.fold_gains(still, wrinkled=1.0, gain=1.0, rng=rng)
    young = sampling.fold_gains(still, wrinkled=0.0, gain=1.0, rng=rng)

    assert sum(old.values()) > 1
    assert sum(young.values()) < 0.5
    assert all(gain == 0 for name, gain in old.items() if name.startswith("au"))


def test_stronger_actions_fold_deeper():
    def gain(intensity):
        rng = np.random.default_rng(3)
        return sampling.fold_gains({4: intensity}, wrinkled=0.2, gain=1.0, rng=rng)["au4"]

    assert 0 < gain(2.0) < gain(5.0)
