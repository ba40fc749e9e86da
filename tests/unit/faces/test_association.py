"""Which squares are on one face, and which lost face a new one continues."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import geometry
from rtau.faces.association import distinct_rows, is_same_face, known_again
from rtau.faces.track import Track
from rtau.squares import FaceSquares, Square, boxes_from_squares

squares = st.builds(
    Square, st.floats(0, 500), st.floats(0, 500), st.floats(10, 200), st.floats(-1, 1)
)
FACE = Square(200.0, 180.0, 80.0, 0.0)


def look(angle):
    """Returns appearances whose correlation is the cosine of the difference of their angles."""
    return np.array([math.cos(angle), math.sin(angle)], np.float32)


def track(square=FACE, *, time_s=0.0, angle=0.0):
    return Track(square, presence=0.9, appearance=look(angle), time_s=time_s)


@given(squares, squares)
def test_overlap_is_that_of_the_upright_boxes(one, other):
    boxes = boxes_from_squares(FaceSquares.of([one, other]))
    expected = geometry.iou(boxes[:1], boxes[1:])[0, 0]
    assert one.overlap(other) == pytest.approx(expected, abs=1e-4)


@given(squares, squares)
def test_being_on_one_face_does_not_depend_on_the_order(one, other):
    assert is_same_face(one, other) == is_same_face(other, one)
    assert is_same_face(one, one)


@given(st.lists(squares, max_size=12), st.randoms())
def test_no_two_rows_kept_are_on_one_face_and_every_other_is_on_one_that_is(found, random):
    presence = [random.random() for _ in found]
    kept = distinct_rows(found, presence)
    for k, row in enumerate(kept):
        assert not any(is_same_face(found[row], found[other]) for other in kept[:k])
    for row in set(range(len(found))) - set(kept):
        assert any(
            is_same_face(found[row], found[other]) and presence[other] >= presence[row]
            for other in kept
        )


def test_cheek_to_cheek_is_two_faces_and_an_earring_none():
    beside = FACE._replace(x=FACE.x + 60)
    assert FACE.overlap(beside) < geometry.SAME_FACE_IOU
    assert not is_same_face(FACE, beside)
    assert is_same_face(FACE, Square(FACE.x + 35, FACE.y + 10, 14.0, 0.0))


@pytest.mark.parametrize(
    ("away_sides", "after_s", "angle_deg", "is_known"),
    [
        (0.1, 1.0, 20, True),  # where it was, a little changed
        (0.1, 1.0, 50, True),  # where it was, another light
        (0.1, 1.0, 85, False),  # where it was, somebody else
        (3.0, 0.1, 0, False),  # nobody jumps so far in a tenth of a second
        (3.0, 1.0, 20, True),  # walked on behind somebody
        (3.0, 3.0, 60, False),  # far away and not alike
        (9.0, 4.9, 0, False),  # beyond all reach
    ],
)
def test_a_lost_face_is_known_again_by_place_and_appearance(
    away_sides, after_s, angle_deg, is_known
):
    lost = track()
    new = track(
        FACE._replace(x=FACE.x + away_sides * FACE.side),
        time_s=after_s,
        angle=math.radians(angle_deg),
    )
    assert known_again([new], [lost]) == ({0: lost} if is_known else {})


def test_of_two_lost_faces_the_more_alike_is_taken():
    other, same = track(angle=0.9), track(FACE._replace(x=FACE.x + 40), angle=0.1)
    assert known_again([track(time_s=1.0)], [other, same]) == {0: same}


def test_of_two_new_faces_the_more_alike_takes_the_id_whichever_comes_first():
    lost, less, more = track(), track(angle=0.6, time_s=1.0), track(angle=0.1, time_s=1.0)
    assert known_again([less, more], [lost]) == {1: lost}
    assert known_again([more, less], [lost]) == {0: lost}


def test_a_face_is_known_again_where_it_was_going():
    lost = track()
    for step in range(1, 6):  # 10 sides a second to the right
        moved = FACE._replace(x=FACE.x + 32.0 * step)
        lost.verify(moved, presence=0.9, time_s=step / 25)
    ahead = track(FACE._replace(x=FACE.x + 800.0), time_s=1.0)
    behind = track(FACE._replace(x=FACE.x - 400.0), time_s=1.0)
    assert known_again([ahead], [lost]) == {0: lost}
    assert known_again([behind], [lost]) == {}


def test_a_face_of_another_size_is_not_known_again():
    assert known_again([track(FACE._replace(side=200.0), time_s=1.0)], [track()]) == {}


@pytest.mark.parametrize(
    ("away_sides", "larger", "after_s", "is_known"),
    [
        (0.3, 1.0, 0.2, True),
        (0.3, 1.2, 0.48, True),
        (0.8, 1.0, 0.2, False),
        (0.3, 1.3, 0.2, False),
        (0.3, 1.0, 0.6, False),
    ],
)
def test_on_the_spot_a_lost_face_need_not_look_alike(away_sides, larger, after_s, is_known):
    lost = track()
    lost.lose()
    place = FACE._replace(x=FACE.x + away_sides * FACE.side, side=larger * FACE.side)
    new = track(place, time_s=after_s, angle=math.radians(120))
    assert known_again([new], [lost]) == ({0: lost} if is_known else {})
    assert known_again([new], [track()]) == {}, "a face that is missed in one frame is not lost"


def test_where_two_were_lost_whoever_comes_up_must_look_alike():
    lost, other = track(), track(FACE._replace(x=FACE.x + FACE.side))
    lost.lose()
    other.lose()
    assert known_again([track(time_s=0.2, angle=math.radians(120))], [lost, other]) == {}
