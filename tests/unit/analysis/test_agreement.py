"""Measures of agreement, against statistics libraries and by hand."""

import numpy as np
import pytest

from rtau.analysis.agreement import MEASURES, estimates_of, measures_of, sums_of

GENERATOR = np.random.default_rng(7)
X = GENERATOR.random(60)
Y = np.clip(0.7 * X + 0.2 + 0.15 * GENERATOR.standard_normal(60), 0, 1)
A, B = (X > 0.5).astype(float), (Y > 0.5).astype(float)
ONES = np.ones(60)


def measured(x=X, y=Y, a=A, b=B, weights=None):
    weights = np.ones(len(x)) if weights is None else weights
    return dict(zip(MEASURES, measures_of(sums_of((x, y), (a, b), weights)), strict=True))


def test_scipy_and_scikit_learn_find_the_same():
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    found = measured()
    assert found["r"] == pytest.approx(stats.pearsonr(X, Y).statistic, abs=1e-12)
    assert found["kappa"] == pytest.approx(metrics.cohen_kappa_score(A, B), abs=1e-12)
    assert found["f1"] == pytest.approx(metrics.f1_score(A, B), abs=1e-12)
    assert found["pabak"] == pytest.approx(2 * metrics.accuracy_score(A, B) - 1, abs=1e-12)


def test_icc_is_that_of_the_analysis_of_variance():
    """Shrout and Fleiss, ICC(3,1) = (BMS - EMS) / (BMS + (k - 1) EMS) for k = 2 raters."""
    scores = np.stack([X, Y], axis=1)
    n, k = scores.shape
    rows, columns, grand = scores.mean(axis=1), scores.mean(axis=0), scores.mean()
    bms = k * ((rows - grand) ** 2).sum() / (n - 1)
    residual = scores - rows[:, None] - columns + grand
    ems = (residual**2).sum() / ((n - 1) * (k - 1))
    assert measured()["icc"] == pytest.approx((bms - ems) / (bms + ems), abs=1e-12)


def test_pingouin_found_the_same_icc():
    # pingouin 0.7.0, intraclass_corr of these scores, type ICC(C,1), which others call ICC(3,1).
    assert measured()["icc"] == pytest.approx(0.8617803608, abs=1e-9)


def test_a_weight_of_two_is_two_frames():
    weights = GENERATOR.integers(1, 4, 60)
    repeated = [np.repeat(one, weights) for one in (X, Y, A, B)]
    assert measured(weights=weights.astype(float)) == pytest.approx(measured(*repeated))


def test_frames_of_which_one_rater_says_nothing_do_not_count():
    x, a = X.copy(), A.copy()
    x[::3], a[::3] = np.nan, np.nan
    kept = np.arange(60) % 3 != 0
    assert measured(x=x, a=a) == pytest.approx(measured(X[kept], Y[kept], A[kept], B[kept]))


def test_what_is_not_defined_is_not_a_number():
    found = measured(y=np.full(60, 0.3), a=np.zeros(60), b=np.zeros(60))
    assert np.isnan(found["r"])
    assert np.isnan(found["kappa"])
    assert np.isnan(found["f1"])
    assert (found["pabak"], found["base_rate_1"]) == (1.0, 0.0)


def test_intervals_are_over_files():
    files = np.array(
        [sums_of((X[k::6], Y[k::6]), (A[k::6], B[k::6]), ONES[k::6]) for k in range(6)]
    )
    found = estimates_of(files)
    assert found["r"].value == pytest.approx(measured()["r"])
    assert found["r"].low < found["r"].value < found["r"].high
    assert estimates_of(files) == found  # drawn with a fixed seed
    alike = estimates_of(np.repeat(files[:1], 5, axis=0))["kappa"]
    assert alike.low == pytest.approx(alike.value) == pytest.approx(alike.high)
    assert np.isnan(estimates_of(files[:1])["r"].low)
