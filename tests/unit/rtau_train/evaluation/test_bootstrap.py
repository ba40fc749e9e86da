import numpy as np
import pytest

from rtau_train.evaluation import bootstrap


def test_rows_are_summed_by_person():
    values = np.array([[1, 10], [2, 20], [4, 40]])

    sums = bootstrap.sums_by_subject(values, np.array(["b", "a", "b"]))

    assert sums.tolist() == [[2, 20], [5, 50]]  # in the order of the names


def test_every_sample_draws_as_many_people_as_there_are():
    ones = np.ones((7, 2, 3))

    totals = bootstrap.resampled(ones, seed=3, draws=50)

    assert totals.shape == (50, 2, 3)
    assert (totals == 7).all()


def test_one_seed_draws_the_same_people_whatever_the_memory(monkeypatch):
    sums = np.random.default_rng(0).random((11, 4))
    together = bootstrap.resampled(sums, seed=5, draws=30)

    monkeypatch.setattr(bootstrap, "_CHUNK", 11 * 4)
    np.testing.assert_allclose(bootstrap.resampled(sums, seed=5, draws=30), together)
    assert (bootstrap.resampled(sums, seed=6, draws=30) != together).any()


def test_samples_are_what_drawing_people_one_by_one_gives():
    sums = np.random.default_rng(1).random((9, 2))
    drawn = np.random.default_rng(8).integers(0, 9, (20, 9))

    expected = [sums[people].sum(axis=0) for people in drawn]
    np.testing.assert_allclose(bootstrap.resampled(sums, seed=8, draws=20), expected)


def test_the_interval_of_a_mean_is_that_of_theory():
    """The mean of n coin flips scatters by sqrt(p (1 - p) / n) around the observed share."""
    flips = np.repeat([0.0, 1.0], 200)
    samples = bootstrap.resampled(flips, seed=2, draws=4000) / len(flips)

    low, high = bootstrap.interval(samples, subjects=len(flips))

    half_width = 1.96 * np.sqrt(0.25 / len(flips))
    assert (low, high) == pytest.approx((0.5 - half_width, 0.5 + half_width), abs=0.004)


def test_rows_of_few_people_scatter_more_than_as_many_independent_rows():
    """400 rows of 8 people who agree with themselves know no more than 8 rows."""
    values = np.repeat([0.0, 1.0], 200)
    people = np.repeat(np.arange(8), 50).astype(str)
    alone = bootstrap.resampled(values, seed=1) / 400
    grouped = bootstrap.resampled(bootstrap.sums_by_subject(values, people), seed=1) / 400

    alone_low, alone_high = bootstrap.interval(alone, subjects=400)
    low, high = bootstrap.interval(grouped, subjects=8)
    assert high - low > 5 * (alone_high - alone_low)


def test_there_is_no_interval_with_one_person_or_without_a_figure():
    assert np.isnan(bootstrap.interval(np.ones(5), subjects=1)).all()
    assert np.isnan(bootstrap.interval(np.full(5, np.nan), subjects=3)).all()


def test_samples_without_the_figure_are_left_out():
    assert bootstrap.interval(np.array([0.5, np.nan, 0.5]), subjects=3) == (0.5, 0.5)
