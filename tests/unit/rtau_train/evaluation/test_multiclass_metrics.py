import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau_train.evaluation import multiclass_metrics

K = 4
ROWS = st.lists(
    st.tuples(st.integers(0, K - 1), st.integers(0, K - 1)), min_size=1, max_size=30
).map(lambda rows: (np.array([r[0] for r in rows]), np.array([r[1] for r in rows])))


@settings(max_examples=40)
@given(ROWS)
def test_matrix_accuracy_and_f1_are_those_of_scikit_learn(rows):
    truth, said = rows
    counts = multiclass_metrics.matrix(truth, said, classes=K)

    assert (counts == sk.confusion_matrix(truth, said, labels=range(K))).all()
    assert multiclass_metrics.accuracy(counts) == pytest.approx(sk.accuracy_score(truth, said))
    occurring = np.unique(truth)
    expected = sk.f1_score(truth, said, labels=occurring, average=None, zero_division=0)
    scores = multiclass_metrics.f1_per_class(counts)
    assert scores[occurring] == pytest.approx(expected)
    assert np.isnan(np.delete(scores, occurring)).all()
    assert multiclass_metrics.macro_f1(counts) == pytest.approx(expected.mean())


@settings(max_examples=40)
@given(ROWS)
def test_a_class_against_the_rest_is_a_binary_decision(rows):
    truth, said = rows
    counts = multiclass_metrics.matrix(truth, said, classes=K)

    for k in range(K):
        expected = sk.confusion_matrix(truth == k, said == k, labels=[False, True]).ravel()
        rest = multiclass_metrics.against_the_rest(counts, k)
        assert [rest.tn, rest.fp, rest.fn, rest.tp] == list(expected)


def test_many_matrices_at_once_are_as_each_alone():
    many = np.random.default_rng(0).integers(0, 5, (6, K, K)).astype(float)

    for figure in (multiclass_metrics.accuracy, multiclass_metrics.macro_f1):
        np.testing.assert_allclose(figure(many), [float(figure(one)) for one in many])


def test_nothing_is_known_without_rows():
    nothing = np.zeros((K, K))

    assert np.isnan(multiclass_metrics.accuracy(nothing))
    assert np.isnan(multiclass_metrics.macro_f1(nothing))


def test_the_mean_loss_is_that_of_scikit_learn():
    generator = np.random.default_rng(3)
    probabilities = generator.dirichlet(np.ones(K), 20)
    truth = generator.integers(0, K, 20)

    expected = sk.log_loss(truth, probabilities, labels=range(K))
    assert multiclass_metrics.losses(probabilities, truth).mean() == pytest.approx(expected)


def test_a_loss_is_finite_however_wrong():
    assert np.isfinite(multiclass_metrics.losses(np.array([[0.0, 1.0]]), np.array([0])))[0]
