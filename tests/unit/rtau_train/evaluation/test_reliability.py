import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from rtau_train.evaluation.reliability import BINS, calibration_error, reliability

# Tenths are the edges of the bins.
PAIRS = st.lists(
    st.tuples(st.one_of(st.integers(0, 10).map(lambda k: k / 10), st.floats(0, 1)), st.booleans()),
    min_size=1,
    max_size=60,
).map(lambda rows: (np.array([r[0] for r in rows]), np.array([r[1] for r in rows])))


@settings(max_examples=40)
@given(PAIRS)
def test_bins_are_those_of_scikit_learn(pair):
    probabilities, truth = pair
    bins = reliability(probabilities, truth)

    shares, means = calibration_curve(truth, probabilities, n_bins=BINS)
    assert [found.share_present for found in bins] == pytest.approx(list(shares))
    assert [found.mean_probability for found in bins] == pytest.approx(list(means))
    assert sum(found.rows for found in bins) == len(truth)


def test_the_error_weighs_each_bin_by_its_rows():
    probabilities = np.array([0.25, 0.25, 0.25, 0.95])
    truth = np.array([True, False, False, True])

    expected = 3 / 4 * abs(0.25 - 1 / 3) + 1 / 4 * abs(0.95 - 1)
    assert calibration_error(reliability(probabilities, truth)) == pytest.approx(expected)


def test_a_network_that_is_always_right_and_sure_has_no_error():
    truth = np.array([True, False, True])

    assert calibration_error(reliability(truth.astype(float), truth)) == 0


def test_there_is_no_error_without_rows():
    assert np.isnan(calibration_error(reliability(np.zeros(0), np.zeros(0, bool))))
