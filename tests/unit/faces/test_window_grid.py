"""Few squares lie so densely over a frame that every face is near one of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.faces.window_grid import (
    MOST_WINDOWS,
    RATIO,
    STRIDE_SIDES,
    clear_of,
    in_regions,
    window_grid,
)
from rtau.squares import Square

WIDTHS = st.integers(200, 4000)
SMALLEST_PX = 60.0


@given(
    shorter=WIDTHS,
    aspect=st.floats(0.3, 3.0),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    size=st.floats(0, 1),
)
def test_every_face_that_is_wholly_in_the_frame_is_near_a_square(shorter, aspect, x, y, size):
    width, height = (round(shorter * max(ratio, 1)) for ratio in (aspect, 1 / aspect))
    smallest = shorter / 12
    side = smallest * (0.9 * shorter / smallest) ** size
    face = Square(side / 2 + x * (width - side), side / 2 + y * (height - side), side, 0.0)

    squares = window_grid(width, height, first_px=1.4 * smallest)

    assert any(
        abs(face.x - square.x) <= 0.5 * (STRIDE_SIDES + RATIO - 1) * square.side
        and abs(face.y - square.y) <= 0.5 * (STRIDE_SIDES + RATIO - 1) * square.side
        and square.ratio(face) <= RATIO
        for square in squares
    )


@given(width=WIDTHS, height=WIDTHS)
def test_squares_lie_in_the_frame_and_reach_its_edges(width, height):
    squares = window_grid(width, height, first_px=min(width, height) / 8)
    left = min(square.x - square.side / 2 for square in squares)
    right = max(square.x + square.side / 2 for square in squares)

    assert left == pytest.approx(0)
    assert right == pytest.approx(width)


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_larger_frame_has_no_more_squares_where_the_smallest_face_grows_with_it(factor):
    size = np.array([1280, 720]) * factor
    squares = window_grid(*size.astype(int).tolist(), first_px=1.4 * SMALLEST_PX * factor)

    assert len(squares) == len(window_grid(1280, 720, first_px=1.4 * SMALLEST_PX)) < 300


def test_no_square_is_larger_than_the_frame():
    assert window_grid(640, 360, first_px=math.inf) == ()
    assert window_grid(40, 40, first_px=60.0) == ()


def test_a_strip_has_no_more_windows_than_can_be_looked_at():
    assert len(window_grid(60_000, 100, first_px=11.0)) <= MOST_WINDOWS
    wide = window_grid(1920, 1080, first_px=28.0)
    assert 0 < len(wide) <= MOST_WINDOWS
    assert min(square.side for square in wide) > 28


def test_regions_take_the_squares_whose_centre_they_hold():
    squares = [Square(10.0, 10.0, 80.0, 0.0), Square(50.0, 10.0, 80.0, 0.0)]
    regions = np.array([[40, 0, 60, 20], [45, 5, 90, 90]], np.float32)

    assert in_regions(squares, regions) == squares[1:]
    assert in_regions(squares, regions[:0]) == []


def test_squares_on_known_faces_are_left_out_unless_they_are_much_larger():
    known = Square(100.0, 100.0, 60.0, 0.0)
    on, off, around = (
        Square(110.0, 100.0, 84.0, 0.0),
        Square(140.0, 100.0, 84.0, 0.0),
        Square(110.0, 100.0, 168.0, 0.0),
    )

    assert clear_of([on, off, around], [known]) == [off, around]
    assert clear_of([on], []) == [on]
