import numpy as np
import pytest

from rtau_train.geometry_teacher import logistic


def test_it_is_scikit_learns():
    linear = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    features = rng.standard_normal((300, 8))
    occurs = features @ rng.standard_normal(8) + rng.standard_normal(300) > 1.5

    weights, intercept = logistic.fitted(features, occurs, c=0.05)
    other = linear.LogisticRegression(C=0.05, class_weight="balanced", tol=1e-8)
    other.fit(features, occurs)

    np.testing.assert_allclose(weights, other.coef_[0], atol=1e-3)
    assert intercept == pytest.approx(other.intercept_[0], abs=1e-3)


def test_a_stronger_penalty_gives_smaller_weights():
    rng = np.random.default_rng(4)
    features = rng.standard_normal((200, 3))
    occurs = features[:, 0] > 0

    sizes = [np.linalg.norm(logistic.fitted(features, occurs, c=c)[0]) for c in (1.0, 0.1, 0.01)]

    assert sizes[0] > sizes[1] > sizes[2] > 0
