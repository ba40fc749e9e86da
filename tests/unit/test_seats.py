"""Seats: regions of the frame whose names faces take."""

import pytest

from rtau.errors import ConfigError
from rtau.seats import parse_seats, seat_names, seat_text

LEFT, RIGHT = "left=0,0,0.5,1", "right=0.5,0,1,1"


def names_of(*boxes, seats=(LEFT, RIGHT)):
    return seat_names(boxes, parse_seats(seats), width=640, height=360)


def test_a_face_is_in_the_seat_that_its_centre_lies_in():
    assert names_of((290, 0, 340, 50), (310, 100, 350, 140)) == ("left", "right")
    assert names_of((320 - 20, 0, 320 + 20, 40)) == ("right",)  # left of an edge is before it
    assert names_of() == ()


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_faces_in_one_seat_the_larger_has_it(order):
    boxes = [(10, 10, 60, 60), (100, 100, 190, 190)][::order]
    assert names_of(*boxes) == (None, "left")[::order]


def test_of_two_faces_of_one_size_the_first_has_the_seat():
    assert names_of((10, 10, 60, 60), (100, 100, 150, 150)) == ("left", None)


def test_a_face_outside_of_all_seats_has_none():
    assert names_of((400, 0, 440, 40), (-60, 0, -20, 40), seats=[LEFT]) == (None, None)


def test_the_right_and_lower_edge_of_the_frame_belong_to_its_seats():
    assert names_of((600, 340, 680, 380)) == ("right",)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["left"], "a seat must be NAME=x0,y0,x1,y1 in fractions of the frame.*got 'left'"),
        (["left=0,0,1"], "got 'left=0,0,1'"),
        (["left=0,0,1,wide"], "got 'left=0,0,1,wide'"),
        (["left=0,0,nan,1"], "got 'left=0,0,nan,1'"),
        (["=0,0,1,1"], "the name of a seat must have 1 to 40 letters.*got ''"),
        (["a,b=0,0,1,1"], "got 'a,b'"),
        (["-x=0,0,1,1"], "begin with a letter or a digit, got '-x'"),
        (["left=0.5,0,0.2,1"], "seat 'left' must have 0 <= x0 < x1 <= 1 .*got 0.5,0,0.2,1"),
        (["left=0,0,320,360"], "got 0,0,320,360"),
        ([LEFT, LEFT], "seats must have different names, got 'left' twice"),
        ([LEFT, "all=0,0,1,1"], "seat 'all' overlaps seat 'left'; two seats may share an edge"),
    ],
)
def test_malformed_and_overlapping_seats_are_refused_in_one_line(texts, words):
    with pytest.raises(ConfigError, match=words) as caught:
        parse_seats(texts)
    assert "\n" not in str(caught.value)


def test_a_seat_can_be_written_and_read_again():
    (seat,) = parse_seats(["Näh 2=0.1,0.2,0.35,1"])
    assert parse_seats([seat_text(seat.name, seat.box)]) == (seat,)
