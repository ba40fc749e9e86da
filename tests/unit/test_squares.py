import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import geometry
from rtau import squares as alignment
from rtau.squares import FaceSquares, PointRule

RULE = PointRule(
    places_xy=((-0.2, -0.1), (0.2, -0.1), (0.0, 0.1), (-0.15, 0.3), (0.15, 0.3)),
    weights=(2.0, 2.0, 1.0, 0.5, 0.5),
)


def square(x=50.0, y=60.0, side=40.0, roll=0.0):
    return FaceSquares(
        centres_xy=np.array([[x, y]], np.float32),
        sides_px=np.array([side], np.float32),
        rolls_rad=np.array([roll], np.float32),
    )


squares = st.builds(
    square,
    x=st.floats(-500, 2000),
    y=st.floats(-500, 2000),
    side=st.floats(8, 800),
    roll=st.floats(-3.1, 3.1),
)


@given(squares)
def test_the_points_of_a_square_give_it_back(one):
    back = alignment.squares_from_points(alignment.points_from_squares(one, rule=RULE), rule=RULE)
    tolerance = 1e-3 * float(one.sides_px[0])
    assert np.abs(back.centres_xy - one.centres_xy).max() < tolerance
    assert back.sides_px == pytest.approx(one.sides_px, rel=1e-3)
    turn = float(back.rolls_rad[0] - one.rolls_rad[0])
    assert abs(math.remainder(turn, 2 * math.pi)) < 1e-3


@given(squares, st.floats(0.8, 2.5))
def test_a_crop_shows_its_square_in_the_middle_and_upright(one, expand):
    size = 64
    maps = alignment.frame_from_crop(one, size=size, expand=expand)
    places = geometry.apply(geometry.invert(maps), alignment.points_from_squares(one, rule=RULE))
    wanted = np.array(RULE.places_xy) * size / expand + size / 2
    assert np.abs(places[0] - wanted).max() < 0.05


@given(squares, squares)
def test_a_square_can_be_read_in_the_crop_or_in_the_frame(face, guess):
    maps = alignment.frame_from_crop(guess, size=64, expand=1.6)
    in_crop = geometry.apply(geometry.invert(maps), alignment.points_from_squares(face, rule=RULE))
    read = alignment.squares_from_points(geometry.apply(maps, in_crop), rule=RULE)
    reach = float(np.abs(face.centres_xy - guess.centres_xy).max() + guess.sides_px[0])
    assert np.abs(read.centres_xy - face.centres_xy).max() < 1e-3 * (reach + face.sides_px[0])


def test_a_positive_roll_is_clockwise_as_seen():
    points = alignment.points_from_squares(square(roll=math.radians(30)), rule=RULE)[0]
    left, right = points[0], points[1]
    assert right[1] > left[1]  # y is down


def test_an_offset_moves_the_crop_along_the_face():
    turned = square(roll=math.pi / 2)
    plain = alignment.frame_from_crop(turned, size=64, expand=1.0)
    moved = alignment.frame_from_crop(turned, size=64, expand=1.0, offset_y=0.25)
    # The chin of a face turned by a right angle is on the left.
    assert moved[0, :, 2] - plain[0, :, 2] == pytest.approx([-10, 0], abs=1e-4)


def test_an_upright_crop_is_that_of_the_crop_rule():
    maps = alignment.frame_from_crop(square(), size=112, expand=1.065, offset_y=0.095)
    boxes = alignment.boxes_from_squares(square())
    cut = geometry.square(boxes, expand=1.065, offset_y=0.095)
    assert maps == pytest.approx(geometry.frame_from_crop(cut, size=112), abs=1e-4)


def test_boxes_become_upright_squares_and_boxes_again():
    boxes = np.array([[10, 20, 50, 60], [0, 0, 8, 8]], np.float32)
    assert alignment.boxes_from_squares(alignment.squares_from_boxes(boxes)) == pytest.approx(boxes)


def test_weights_decide_what_a_wrong_point_may_do():
    points = alignment.points_from_squares(square(), rule=RULE)
    points[0, 4] += 30
    unweighted = PointRule(RULE.places_xy, (1.0, 1.0, 1.0, 1.0, 0.0))
    assert alignment.squares_from_points(points, rule=unweighted).sides_px == pytest.approx(
        [40], abs=0.01
    )
    assert alignment.squares_from_points(points, rule=RULE).sides_px[0] > 40.5


def test_nobody_is_no_rows():
    nobody = alignment.squares_from_points(np.zeros((0, 5, 2), np.float32), rule=RULE)
    assert len(nobody) == 0
    assert alignment.frame_from_crop(nobody, size=64, expand=1.6).shape == (0, 2, 3)
    assert alignment.boxes_from_squares(nobody).shape == (0, 4)


@pytest.mark.parametrize(
    ("places", "weights"),
    [
        (((0, 0),), (1.0,)),
        (((0, 0), (1, 0)), (1.0,)),
        (((0, 0), (1, 0)), (1.0, -1.0)),
        (((0, 0), (1, 0)), (1.0, 0.0)),
    ],
)
def test_a_rule_that_fixes_no_square_is_refused(places, weights):
    with pytest.raises(ValueError, match="weights"):
        PointRule(places, weights)
