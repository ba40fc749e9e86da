import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rtau_train import metrics

# Few distinct values, so that ties are common.
SCORES = hnp.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 6).map(lambda k: k / 8))


@given(scores=SCORES, seed=st.integers(0, 1000))
def test_auc_is_the_share_of_pairs_in_order(scores, seed):
    truth = np.random.default_rng(seed).random(len(scores)) < 0.4
    present, absent = scores[truth], scores[~truth]
    if not len(present) or not len(absent):
        assert np.isnan(metrics.auc(scores, truth))
        return

    above = (present[:, None] > absent).mean() + 0.5 * (present[:, None] == absent).mean()
    assert metrics.auc(scores, truth) == pytest.approx(above)


@given(scores=SCORES, seed=st.integers(0, 1000))
def test_no_threshold_has_a_higher_f1_than_the_best(scores, seed):
    truth = np.random.default_rng(seed).random(len(scores)) < 0.4
    best = metrics.best_threshold(scores, truth)
    if not truth.any() or truth.all():
        assert best == 0.5
        return

    reached = metrics.f1(scores >= best, truth)
    assert 0 <= best <= 1
    assert reached >= max(metrics.f1(scores >= t, truth) for t in np.unique(scores)) - 1e-12


def test_f1_of_known_counts():
    said = np.array([True, True, True, False, False])
    truth = np.array([True, True, False, True, False])

    assert metrics.f1(said, truth) == pytest.approx(2 * 2 / (3 + 3))
    assert metrics.f1(~truth, truth) == 0
    assert metrics.f1(np.zeros(3, bool), np.zeros(3, bool)) == 0
