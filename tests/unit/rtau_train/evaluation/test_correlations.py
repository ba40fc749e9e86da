import numpy as np
import pytest
from scipy import stats

from rtau_train.evaluation.correlations import mean_ranks, pearson, spearman

ONE = np.array([3.0, 1.0, 1.0, 4.0, 1.0, 5.0])
OTHER = np.array([2.0, 7.0, 1.0, 8.0, 2.0, 8.0])


def test_equal_values_share_their_mean_rank():
    assert mean_ranks(ONE).tolist() == [4, 2, 2, 5, 2, 6]


def test_correlations_are_those_of_scipy():
    assert pearson(ONE, OTHER) == pytest.approx(stats.pearsonr(ONE, OTHER).statistic)
    assert spearman(ONE, OTHER) == pytest.approx(stats.spearmanr(ONE, OTHER).statistic)


def test_places_that_are_not_known_do_not_count():
    more = np.append(ONE, [np.nan, 9.0]), np.append(OTHER, [9.0, np.nan])

    assert pearson(*more) == pytest.approx(pearson(ONE, OTHER))


@pytest.mark.parametrize("still", [np.ones(6), np.full(6, np.nan), ONE * 0 + 0.1])
def test_nothing_goes_together_with_what_stands_still(still):
    assert np.isnan(pearson(ONE, still))
