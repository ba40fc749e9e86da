"""Grouping of a cascade's windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.faces.detectors.window_grouping import (
    HALF_CONFIDENCE,
    group_windows,
    non_maximum_suppression,
    score_from_confidence,
)


def test_no_hit_is_no_face():
    assert group_windows(np.zeros((0, 3)), np.zeros(0)) is None


def test_the_square_is_the_weighted_mean_of_the_hits():
    squares = np.array([[10.0, 20.0, 100.0], [14.0, 20.0, 100.0]])
    square, confidence = group_windows(squares, np.array([3.0, 1.0]))
    np.testing.assert_allclose(square, [11, 20, 100])
    assert confidence == 4


def test_sides_are_averaged_by_their_logarithms():
    square, _ = group_windows(np.array([[0.0, 0, 50], [0, 0, 200]]), np.ones(2))
    assert square[2] == pytest.approx(100)


def test_a_stray_hit_is_left_out():
    squares = np.array([[0.0, 0, 100]] * 5 + [[90.0, 0, 100]])
    square, confidence = group_windows(squares, np.ones(6))
    np.testing.assert_allclose(square, [0, 0, 100])
    assert confidence == 5


def test_hits_that_passed_by_nothing_still_count():
    square, confidence = group_windows(np.array([[5.0, 6, 7]]), np.zeros(1))
    np.testing.assert_allclose(square, [5, 6, 7])
    assert confidence > 0


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_scores_rise_with_mass_and_stay_under_one(a, b):
    low, high = sorted((a, b))
    assert 0 <= score_from_confidence(low) <= score_from_confidence(high) < 1
    assert score_from_confidence(HALF_CONFIDENCE) == 0.5


def test_of_boxes_on_one_face_the_best_is_kept_in_the_order_given():
    overlap = np.array([[1, 0, 0.8], [0, 1, 0], [0.8, 0, 1]], np.float32)
    assert non_maximum_suppression(overlap, np.array([0.4, 0.2, 0.9], np.float32)) == [1, 2]
    assert non_maximum_suppression(overlap, np.array([0.9, 0.2, 0.9], np.float32)) == [0, 1]
