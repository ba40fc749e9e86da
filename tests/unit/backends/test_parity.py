import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.backends.parity import Difference, difference, probe_crops, worst
from rtau.data import Scores
from rtau.errors import ContractError
from tests.support.doubles import AU_LABELS, make_contract


def scores(logits, cams=None, *, labels=AU_LABELS, task="multi_label", points=None):
    return Scores(
        labels=labels,
        task=task,
        logits=np.asarray(logits, np.float32),
        cams=None if cams is None else np.asarray(cams, np.float32),
        landmarks_xy=points,
    )


def test_probes_are_the_same_each_time_and_differ_from_each_other():
    first, again = (probe_crops(4, size=32) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (4, 32, 32, 3)
    assert first.std() > 30
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, probe_crops(4, size=32, seed=5))


@given(st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=3))
def test_equal_scores_do_not_differ(row):
    one = scores([row])
    found = difference(one, scores([row]), make_contract())
    assert (found.max_dlogit, found.max_dp, found.mean_dp) == (0, 0, 0)
    assert (found.changed_decisions, found.decisions) == (0, 3)
    assert found.cam_correlation is None


def test_landmarks_are_compared_in_sides_of_the_crop():
    here = np.zeros((1, 68, 2), np.float32)
    there = here.copy()
    there[0, 30] = (2.4, -3.2)  # 4 px of a crop of 32
    one, other = scores([[0, 0, 0]], points=here), scores([[0, 0, 0]], points=there)

    assert difference(one, other, make_contract()).max_dlandmark == pytest.approx(0.125)
    assert difference(one, scores([[0, 0, 0]]), make_contract()).max_dlandmark is None


def test_decisions_are_those_of_the_contracts_thresholds():
    # Thresholds 0.5, 0.4, 0.6 are the logits 0, -0.405, 0.405.
    found = difference(scores([[0.1, -0.3, 0.3]]), scores([[-0.1, -0.5, 0.5]]), make_contract())
    assert found.changed_decisions == 3
    assert found.max_dp == pytest.approx(0.0499583, abs=1e-6)
    assert found.mean_dp == pytest.approx((0.0499583 + 0.0480165 + 0.0480165) / 3, abs=1e-5)
    assert found.max_dlogit == pytest.approx(0.2, abs=1e-6)


def test_one_decision_a_row_where_labels_exclude_each_other():
    contract = make_contract(task="multi_class", thresholds=(0.0, 0.0, 0.0))
    one, other = ([[2, 1, 0]], [[1, 2, 0]])
    found = difference(scores(one, task="multi_class"), scores(other, task="multi_class"), contract)
    assert found.changed_decisions == 2  # one label lost, one won


def test_the_worst_label_speaks_for_the_heatmaps():
    rng = np.random.default_rng(0)
    cams = rng.random((4, 3, 7, 7), np.float32)
    other = cams.copy()
    other[:, 1] = 2 - other[:, 1]
    zero = scores(np.zeros((4, 3)), cams)
    assert difference(
        zero, scores(np.zeros((4, 3)), cams * 3), make_contract()
    ).cam_correlation == (pytest.approx(1))
    found = difference(zero, scores(np.zeros((4, 3)), other), make_contract())
    assert found.cam_correlation == pytest.approx(-1)


def test_a_label_without_heat_equals_only_itself():
    cold = scores(np.zeros((1, 3)), np.zeros((1, 3, 2, 2)))
    warm = scores(np.zeros((1, 3)), np.arange(12).reshape(1, 3, 2, 2))
    assert difference(cold, cold, make_contract()).cam_correlation == 1
    assert difference(cold, warm, make_contract()).cam_correlation == 0


def test_scores_that_cannot_be_compared_are_refused():
    with pytest.raises(ContractError, match="compare models of one task"):
        difference(scores(np.zeros((1, 3))), scores(np.zeros((2, 3))), make_contract())
    small, large = (scores(np.zeros((1, 3)), np.zeros((1, 3, n, n))) for n in (2, 3))
    with pytest.raises(ContractError, match="cams must have the shape"):
        difference(small, large, make_contract())


def test_the_worst_of_several_has_the_largest_changes_and_all_decisions():
    one = Difference(0.1, 0.02, 0.01, 1, 12, 0.9)
    other = Difference(0.3, 0.01, 0.001, 0, 36, 0.99)
    bare = Difference(0.2, 0.0, 0.0, 0, 12, None, 0.01)
    found = worst([one, other, bare])
    assert (found.max_dlogit, found.max_dp, found.cam_correlation) == (0.3, 0.02, 0.9)
    assert (found.changed_decisions, found.decisions) == (1, 60)
    assert found.mean_dp == pytest.approx((0.01 * 12 + 0.001 * 36) / 60)
    assert worst([bare]).cam_correlation is None
    assert found.max_dlandmark == 0.01
    assert worst([one]).max_dlandmark is None
