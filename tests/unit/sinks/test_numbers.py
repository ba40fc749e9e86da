"""Numbers as text: what is read back is what was measured, on the side that was decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.sinks._numbers import box_xywh, point_texts, probability_text, rounded_points

probabilities = st.floats(0, 1, width=32).map(np.float32)
thresholds = st.floats(0, 1)
coordinates = st.floats(-0.0078125, 0.0078125, width=32) | st.floats(-4000, 8000, width=32)


@st.composite
def near_thresholds(draw):
    """A threshold of any precision and a float32 within three steps of it."""
    threshold = draw(thresholds)
    value = np.float32(threshold)
    for _ in range(draw(st.integers(0, 3))):
        value = np.nextafter(value, np.float32(draw(st.sampled_from((0, 1)))))
    return value, threshold


@given(probabilities)
def test_a_probability_reads_back_as_the_same_float32(value):
    assert np.float32(probability_text(value)) == value


@given(near_thresholds())
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_text_lies_on_the_side_that_was_decided(kind, case):
    """Whether the decision compared in single or in double precision."""
    value, threshold = case
    active = bool(kind(value) >= kind(threshold))
    text = probability_text(value, threshold=threshold, active=active)
    assert (float(text) >= threshold) == active
    assert np.float32(text) == value


@given(probabilities, thresholds)
def test_a_decision_that_smoothing_made_never_changes_the_value(value, threshold):
    against_the_value = not value >= np.float32(threshold)
    text = probability_text(value, threshold=threshold, active=against_the_value)
    assert np.float32(text) == value


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (0, "0.0"), (1, "1.0"), (1e-7, "0.0000001"), (0.7, "0.7")]
)
def test_the_shortest_text_has_no_exponent(value, text):
    assert probability_text(np.float32(value)) == text


@given(st.lists(st.floats(0, 8000, width=32), min_size=4, max_size=4))
def test_a_box_reads_back_within_a_thousandth_of_a_pixel(corners):
    x0, y0, x1, y1 = corners
    x, y, width, height = box_xywh(np.array(corners, np.float32))
    assert (x, y, x + width, y + height) == pytest.approx((x0, y0, x1, y1), abs=0.00051)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1))
def test_texts_of_points_are_the_rounded_points_without_a_negative_zero(points):
    points_xy = np.array(points, np.float32)
    x, y = zip(*rounded_points(points_xy), strict=True)
    assert point_texts(points_xy) == [f"{value:.2f}" for value in (*x, *y)]
    assert "-0.00" not in point_texts(points_xy)
