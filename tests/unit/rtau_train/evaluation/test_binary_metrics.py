import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtau_train.evaluation import binary_metrics

# Few distinct values, so that ties are common.
PAIRS = st.lists(
    st.tuples(st.integers(0, 6).map(lambda k: k / 8), st.booleans()), min_size=1, max_size=40
).map(lambda rows: (np.array([r[0] for r in rows]), np.array([r[1] for r in rows])))
ALL_PRESENT = (np.array([0.1, 0.9]), np.array([True, True]))
ALL_ABSENT = (np.array([0.1, 0.9]), np.array([False, False]))


@settings(max_examples=40)
@given(PAIRS)
@example(ALL_PRESENT)
@example(ALL_ABSENT)
def test_auc_is_the_share_of_pairs_in_order_and_that_of_scikit_learn(pair):
    scores, truth = pair
    present, absent = scores[truth], scores[~truth]
    if not len(present) or not len(absent):
        assert np.isnan(binary_metrics.auc(scores, truth))
        return

    above = (present[:, None] > absent).mean() + 0.5 * (present[:, None] == absent).mean()
    assert binary_metrics.auc(scores, truth) == pytest.approx(above)
    assert binary_metrics.auc(scores, truth) == pytest.approx(sk.roc_auc_score(truth, scores))


@settings(max_examples=40)
@given(PAIRS)
@example(ALL_PRESENT)
@example(ALL_ABSENT)
def test_average_precision_is_that_of_scikit_learn(pair):
    scores, truth = pair
    if not truth.any():
        assert np.isnan(binary_metrics.average_precision(scores, truth))
        return

    expected = sk.average_precision_score(truth, scores)
    assert binary_metrics.average_precision(scores, truth) == pytest.approx(expected)


def test_average_precision_of_equal_scores_is_the_base_rate():
    truth = np.array([True, False, False, False])

    assert binary_metrics.average_precision(np.full(4, 0.3), truth) == pytest.approx(0.25)


@settings(max_examples=40)
@given(PAIRS)
@example(ALL_PRESENT)
@example(ALL_ABSENT)
def test_counts_and_ratios_are_those_of_scikit_learn(pair):
    scores, truth = pair
    said = scores >= 0.5
    counts = binary_metrics.confusion(said, truth)

    expected = sk.confusion_matrix(truth, said, labels=[False, True]).ravel()
    assert [counts.tn, counts.fp, counts.fn, counts.tp] == list(expected)
    nan = {"zero_division": np.nan}
    assert counts.precision == pytest.approx(sk.precision_score(truth, said, **nan), nan_ok=True)
    assert counts.recall == pytest.approx(sk.recall_score(truth, said, **nan), nan_ok=True)
    assert counts.f1 == pytest.approx(sk.f1_score(truth, said, zero_division=0))
    if truth.any() and not truth.all():
        assert counts.mcc == pytest.approx(sk.matthews_corrcoef(truth, said))
    else:
        assert np.isnan(counts.mcc)


def test_mcc_of_huge_counts_does_not_overflow():
    big = 10**9

    assert binary_metrics.Confusion(tn=big, fp=0, fn=0, tp=big).mcc == pytest.approx(1)


@settings(max_examples=40)
@given(PAIRS)
@example(ALL_PRESENT)
@example(ALL_ABSENT)
def test_no_threshold_has_a_higher_f1_than_the_best(pair):
    scores, truth = pair
    best = binary_metrics.best_threshold(scores, truth)
    if not truth.any() or truth.all():
        assert best == 0.5
        return

    reached = binary_metrics.f1(scores >= best, truth)
    assert 0 <= best <= 1
    assert reached >= max(binary_metrics.f1(scores >= t, truth) for t in np.unique(scores)) - 1e-12


def test_f1_of_known_counts():
    said = np.array([True, True, True, False, False])
    truth = np.array([True, True, False, True, False])

    assert binary_metrics.f1(said, truth) == pytest.approx(2 * 2 / (3 + 3))
    assert binary_metrics.f1(~truth, truth) == 0
    assert binary_metrics.f1(np.zeros(3, bool), np.zeros(3, bool)) == 0


def test_a_mean_leaves_out_what_is_not_known():
    assert binary_metrics.known_mean([0.5, float("nan"), 1.0]) == 0.75
    assert np.isnan(binary_metrics.known_mean([float("nan")]))
