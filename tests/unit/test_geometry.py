import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rtau import geometry

coordinates = st.floats(-4000, 8000, width=32)
sides = st.floats(1, 4000, width=32)


@st.composite
def boxes(draw, *, min_size=1, max_size=4):
    rows = draw(st.lists(st.tuples(coordinates, coordinates, sides, sides), min_size=min_size))
    rows = rows[:max_size]
    table = np.array(rows, np.float32).reshape(-1, 4)
    return np.concatenate([table[:, :2], table[:, :2] + table[:, 2:]], axis=1)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_in_the_unit_range(a, b):
    pairs = geometry.iou(a, b)
    assert pairs.shape == (len(a), len(b))
    assert pairs.dtype == np.float32
    assert pairs.min() >= 0
    assert pairs.max() <= 1 + 1e-6
    np.testing.assert_array_equal(pairs, geometry.iou(b, a).T)


@given(boxes(max_size=1), st.floats(0.5, 64), st.integers(0, 3))
def test_iou_is_one_for_equals_only(box, step, corner):
    assert geometry.iou(box, box)[0, 0] == pytest.approx(1, abs=1e-6)
    other = box.copy()
    other[0, corner] += step
    assume(geometry.areas(other)[0] > 0)
    assert geometry.iou(box, other)[0, 0] < 1


def test_iou_of_known_boxes_and_of_empty_ones():
    a = np.array([[0, 0, 2, 2]], np.float32)
    b = np.array([[1, 1, 3, 3], [2, 0, 4, 2], [5, 5, 5, 5]], np.float32)
    np.testing.assert_allclose(geometry.iou(a, b), [[1 / 7, 0, 0]])
    empty = np.array([[5, 5, 5, 5]], np.float32)
    assert geometry.iou(empty, empty)[0, 0] == 0
    assert geometry.iou(np.zeros((0, 4), np.float32), a).shape == (0, 1)


def test_a_box_turned_inside_out_has_no_area():
    inside_out = np.array([[4, 4, 0, 0], [0, 4, 4, 0]], np.float32)
    assert geometry.areas(inside_out).tolist() == [0, 0]


@given(boxes(), st.integers(1, 8000), st.integers(1, 8000))
def test_a_clipped_box_lies_inside_the_frame_and_is_clipped_once(some, width, height):
    inside = geometry.clip(some, width=width, height=height)
    assert inside.min() >= 0
    assert inside[:, 0::2].max() <= width
    assert inside[:, 1::2].max() <= height
    assert (inside[:, :2] <= inside[:, 2:]).all()
    np.testing.assert_array_equal(geometry.clip(inside, width=width, height=height), inside)


@given(boxes(), st.floats(0.1, 5))
def test_a_grown_box_keeps_its_centre_and_multiplies_its_sides(some, factor):
    grown = geometry.expand(some, factor)
    np.testing.assert_allclose(grown[:, :2] + grown[:, 2:], some[:, :2] + some[:, 2:], atol=0.02)
    want = (some[:, 2:] - some[:, :2]) * factor
    np.testing.assert_allclose(grown[:, 2:] - grown[:, :2], want, rtol=1e-3, atol=0.02)


@given(boxes(), st.floats(0.5, 4), st.floats(-1, 1), st.floats(-1, 1))
def test_a_square_has_equal_sides_and_moves_by_longer_sides(some, factor, right, down):
    squares = geometry.square(some, expand=factor, offset_x=right, offset_y=down)
    width, height = (squares[:, 2:] - squares[:, :2]).T
    np.testing.assert_allclose(width, height, rtol=1e-3, atol=0.02)
    longer = (some[:, 2:] - some[:, :2]).max(axis=1)
    np.testing.assert_allclose(width, longer * factor, rtol=1e-3, atol=0.02)
    moved = (squares[:, :2] + squares[:, 2:] - some[:, :2] - some[:, 2:]) / 2
    want = longer[:, None] * [right, down]
    np.testing.assert_allclose(moved, want, rtol=1e-3, atol=0.02)


@given(boxes(), st.integers(16, 1024), st.data())
def test_a_point_goes_to_the_frame_and_back_within_half_a_pixel(some, size, data):
    squares = geometry.square(some, expand=1.2)
    maps = geometry.frame_from_crop(squares, size=size)
    point = data.draw(st.tuples(st.floats(0, size, width=32), st.floats(0, size, width=32)))
    points = np.tile(np.array(point, np.float32), (len(some), 1, 1))
    there = geometry.apply(maps, points)
    back = geometry.apply(geometry.invert(maps), there)
    # float32 holds a coordinate near 8000 to 1/2000 px: a crop finer than that cannot come back.
    assume(maps[:, 0, 0].min() > 0.01)
    assert np.abs(back - points).max() <= 0.5
    assert np.abs(geometry.apply(maps, back) - there).max() <= 0.5


@given(boxes(), st.integers(16, 1024))
def test_the_corners_of_the_crop_lie_on_the_corners_of_its_square(some, size):
    squares = geometry.square(some)
    maps = geometry.frame_from_crop(squares, size=size)
    corners = np.tile(np.array([[0, 0], [size, size]], np.float32), (len(some), 1, 1))
    np.testing.assert_allclose(
        geometry.apply(maps, corners).reshape(-1, 4), squares, rtol=1e-5, atol=0.02
    )


def test_a_square_of_side_zero_cannot_be_inverted_and_the_row_is_named():
    squares = np.array([[0, 0, 4, 4], [3, 3, 3, 3]], np.float32)
    with pytest.raises(ValueError, match=r"zero determinant in rows \[1\]"):
        geometry.invert(geometry.frame_from_crop(squares, size=16))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_warp_matrix_moves_pixel_centres_not_pixel_corners(scale):
    """cv2.resize has its centres at i + 0.5 too: enlarging by warp must give the same picture."""
    rng = np.random.default_rng(7)
    small = rng.integers(0, 256, (12, 10), dtype=np.uint8)
    grown_from_small = np.array([[scale, 0, 0], [0, scale, 0]], np.float32)
    size = (small.shape[1] * scale, small.shape[0] * scale)
    warped = cv2.warpAffine(
        small,
        geometry.warp_matrix(grown_from_small),
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    resized = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    # OpenCV's warp rounds its weights to 1/32 px.
    assert np.abs(warped.astype(int) - resized.astype(int)).max() <= 8


def test_half_a_pixel_is_what_the_warp_matrix_corrects():
    twice = np.array([[2, 0, 0], [0, 2, 0]], np.float32)
    np.testing.assert_array_equal(geometry.warp_matrix(twice)[:, 2], [0.5, 0.5])
    same = np.array([[1, 0, 3], [0, 1, -2]], np.float32)
    np.testing.assert_array_equal(geometry.warp_matrix(same), same)
