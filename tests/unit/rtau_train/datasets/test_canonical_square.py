"""The square on a face's landmarks that networks are trained on."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rtau import geometry
from rtau.contract import CropRule
from rtau_train.datasets.canonical_square import boxes_under, canonical_squares


def points_in(box_xyxy):
    """68 points whose box is the given one."""
    x0, y0, x1, y1 = box_xyxy
    ring = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = np.stack([np.cos(ring), np.sin(ring)], axis=1)
    unit = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    return (unit * (x1 - x0, y1 - y0) + (x0, y0)).astype(np.float32)


def test_the_square_of_points_is_laid_on_their_box():
    wide, tall = points_in((10, 20, 50, 40)), points_in((10, 20, 30, 60))
    squares = canonical_squares(np.stack([wide, tall]), side_over_landmark_box=1.5, lift=0.1)

    np.testing.assert_allclose(squares, [[0, -6, 60, 54], [-10, 4, 50, 64]], atol=1e-4)


corner, side = st.floats(-500, 2000, width=32), st.floats(8, 1500, width=32)
offset = st.floats(-0.5, 0.5)


@given(corner, corner, side, st.floats(0.5, 2), offset, offset)
def test_the_box_under_a_square_is_cut_to_that_square(x, y, length, expand, offset_x, offset_y):
    rule = CropRule(detector="haar", expand=expand, offset_x=offset_x, offset_y=offset_y)
    squares = np.array([[x, y, x + length, y + length]], np.float32)

    again = geometry.square(
        boxes_under(squares, rule), expand=expand, offset_x=offset_x, offset_y=offset_y
    )

    np.testing.assert_allclose(again, squares, atol=4e-3)
