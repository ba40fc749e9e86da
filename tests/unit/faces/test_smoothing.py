"""Smoothing: what scatters is stilled, what moves is not held back."""

import math

import numpy as np
import pytest

from rtau.faces.smoothing import FORGET_S, SquareFilter
from rtau.squares import Square

FPS = 25


def square(x, y=100.0, side=100.0, roll=0.0):
    return Square(x, y, side, roll)


def filtered(squares):
    first, *others = squares
    one = SquareFilter(first, time_s=0.0)
    found = [one.square]
    for k, each in enumerate(others, start=1):
        one.update(each, time_s=k / FPS)
        found.append(one.square)
    return np.array(found)


@pytest.mark.parametrize("axis", range(4))
def test_the_scatter_of_a_still_face_falls_to_a_third(axis):
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (300, 4)) * (0.5, 0.5, 0.5, 0.005)
    noisy = [square(100 + dx, 100 + dy, 100 + ds, dr) for dx, dy, ds, dr in noise]
    out = filtered(noisy)[50:, axis]
    assert np.diff(out).std() < np.diff(np.array(noisy)[50:, axis]).std() / 3


def test_a_face_that_moves_a_side_a_second_is_followed_within_a_fiftieth():
    moving = [square(100 + 100 * k / FPS) for k in range(50)]
    lag_px = np.array(moving)[10:, 0] - filtered(moving)[10:, 0]
    assert 0 <= lag_px.max() < 2.0


def test_a_head_that_tilts_a_radian_a_second_is_followed_within_three_degrees():
    tilting = [square(100, roll=k / FPS) for k in range(50)]
    lag_rad = np.array(tilting)[10:, 3] - filtered(tilting)[10:, 3]
    assert 0 <= lag_rad.max() < math.radians(3)


def test_a_face_upside_down_takes_the_short_way_round():
    found = filtered([square(100, roll=math.pi - 0.01), square(100, roll=-math.pi + 0.01)])
    assert abs(math.remainder(found[-1][3] - math.pi, 2 * math.pi)) < 0.02


def test_still_squares_pass_unchanged():
    still = square(30.0, 55.0, 40.0, 0.3)
    np.testing.assert_allclose(filtered([still] * 5), [still] * 5, rtol=1e-9)


def test_after_a_gap_the_square_starts_anew():
    one = SquareFilter(square(0), time_s=0.0)
    one.update(square(60), time_s=FORGET_S + 0.1)
    assert one.square == pytest.approx(square(60))


def test_two_squares_at_one_time_do_not_divide_by_zero():
    one = SquareFilter(square(0), time_s=1.0)
    one.update(square(50), time_s=1.0)
    assert one.square == pytest.approx(square(0))
