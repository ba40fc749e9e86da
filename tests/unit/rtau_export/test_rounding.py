import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau_export import _rounding
from rtau_export._rounding import DAMPING, feedback_of, rounded


def moments_of(rows):
    """Returns float32 (1, K, K), the second moments of inputs (P, K)."""
    return (rows.T @ rows / len(rows))[None].astype(np.float32)


def alike(seed, *, places=400, size=60):
    """Returns inputs (P, K) that move together, as neighbours in a picture after a ReLU do."""
    random = np.random.default_rng(seed)
    few = random.normal(size=(places, 6)) @ random.normal(size=(6, size))
    return np.maximum(few + 0.3 * random.normal(size=(places, size)) + 1, 0).astype(np.float32)


def near_identity(seed, *, filters=12, size=60):
    """Returns weights (O, K): in each filter a large one among small ones that matter together."""
    random = np.random.default_rng(seed)
    weights = random.uniform(-0.002, 0.006, (filters, size)).astype(np.float32)
    weights[np.arange(filters), np.arange(filters)] = 1
    return weights


def nearest(weights, scales, most):
    return np.clip(np.rint(weights / scales[:, None]), -most, most)


def steps_of(weights, most):
    return np.abs(weights).max(axis=1) / np.float32(most)


def test_feedback_is_the_unit_triangular_factor_of_the_damped_moments():
    moments = moments_of(alike(1, size=9))

    feedback = feedback_of(moments)[0].astype(np.float64)

    unit = feedback + np.eye(9)
    damped = moments[0] + DAMPING * np.trace(moments[0]) / 9 * np.eye(9)
    inner = np.linalg.solve(unit, np.linalg.solve(unit, damped).T)
    assert not np.tril(feedback).any()
    assert inner - np.diag(np.diag(inner)) == pytest.approx(0, abs=1e-5)
    assert (np.diag(inner) > 0).all()


@pytest.mark.parametrize("scale", [0, 3.5])
def test_inputs_that_have_nothing_in_common_leave_rounding_to_the_nearest(scale):
    weights = np.random.default_rng(2).normal(size=(5, 40)).astype(np.float32)
    moments = scale * np.eye(40, dtype=np.float32)[None]

    kept = rounded(weights, feedback_of(moments), scales=steps_of(weights, 64), most=64)

    assert kept.dtype == np.int8
    assert np.array_equal(kept, nearest(weights, steps_of(weights, 64), 64))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.sampled_from([64, 127]))
def test_small_weights_beside_a_large_one_are_not_lost(seed, most):
    inputs, unseen = np.split(alike(seed, places=800), 2)
    weights = near_identity(seed)
    scales = steps_of(weights, most)

    kept = rounded(weights, feedback_of(moments_of(inputs)), scales=scales, most=most)

    errors = [
        np.sqrt(np.mean((unseen @ (weights - integers * scales[:, None]).T) ** 2))
        for integers in (kept, nearest(weights, scales, most))
    ]
    assert np.abs(kept).max() <= most
    assert errors[0] < 0.6 * errors[1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_inputs_that_are_equal_see_only_the_sum_of_their_weights(seed):
    weights = np.random.default_rng(seed).uniform(-0.4, 0.4, (4, 30)).astype(np.float32)
    moments = np.ones((1, 30, 30), np.float32)

    kept = rounded(weights, feedback_of(moments), scales=np.ones(4, np.float32), most=127)

    assert kept.sum(axis=1) == pytest.approx(weights.sum(axis=1), abs=0.6)


def test_each_group_of_filters_is_rounded_by_what_it_reads():
    weights, scales = near_identity(5), np.full(12, 1 / 64, np.float32)
    moments = np.concatenate([moments_of(alike(seed)) for seed in (6, 7)])

    together = rounded(weights, feedback_of(moments), scales=scales, most=64)

    for group in range(2):
        part = slice(6 * group, 6 * group + 6)
        feedback = feedback_of(moments[group : group + 1])
        alone = rounded(weights[part], feedback, scales=scales[part], most=64)
        assert np.array_equal(together[part], alone)


def test_the_blocks_set_the_speed_only(monkeypatch):
    weights, feedback = near_identity(8), feedback_of(moments_of(alike(8)))
    options = {"scales": steps_of(weights, 64), "most": 64}
    whole = rounded(weights, feedback, **options)

    monkeypatch.setattr(_rounding, "BLOCK", 7)

    assert np.array_equal(rounded(weights, feedback, **options), whole)
