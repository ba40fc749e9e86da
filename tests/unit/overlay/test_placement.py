import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from rtau.overlay._placement import Area, Candidate, follow, is_free, place

AREA = Area(width=640, height=360, top=20, margin=4)


@st.composite
def faces(draw):
    rows = draw(st.integers(1, 6))
    boxes = []
    for _ in range(rows):
        x, y = draw(st.integers(-40, 620)), draw(st.integers(-40, 340))
        w, h = draw(st.integers(1, 300)), draw(st.integers(1, 300))
        boxes.append((x, y, x + w, y + h))
    return np.array(boxes, np.int32)


sizes = st.tuples(st.integers(1, 250), st.integers(1, 250))


def shared(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


@settings(max_examples=150, deadline=None)
@given(faces(), sizes, st.booleans())
def test_things_stay_in_the_frame_and_a_fit_overlaps_nothing(boxes, size, low):
    placement = place(boxes, [Candidate(size, low)] * len(boxes), area=AREA)
    for row, rect in enumerate(placement.rects.tolist()):
        assert rect[2] - rect[0] == size[0]
        assert rect[3] - rect[1] == size[1]
        assert rect[0] >= 0
        assert rect[1] >= AREA.top
        assert rect[2] <= AREA.width
        assert rect[3] <= AREA.height
        if placement.fits:
            assert not any(shared(rect, face) for face in boxes.tolist())
            assert not any(shared(rect, other) for other in placement.rects[:row].tolist())


def test_a_panel_goes_to_the_right_and_chips_go_below():
    face = np.array([[200, 100, 280, 180]], np.int32)
    panel = place(face, [Candidate((90, 120))], area=AREA).rects[0]
    chips = place(face, [Candidate((90, 20), is_chips=True)], area=AREA).rects[0]
    assert panel[0] >= 280
    assert panel[1] == 100
    assert chips[1] >= 180


def test_a_face_at_the_right_edge_has_its_panel_on_the_left():
    face = np.array([[540, 100, 630, 190]], np.int32)
    placement = place(face, [Candidate((90, 120))], area=AREA)
    assert placement.fits
    assert placement.rects[0, 2] <= 540


def test_the_preferred_spot_is_kept():
    face = np.array([[250, 100, 330, 180]], np.int32)
    left = place(face, [Candidate((90, 60), preferred_spot=1)], area=AREA)
    assert left.rects[0, 2] <= 250
    assert left.spots == (1,)


def test_one_without_room_chooses_first():
    # Face 1 could go anywhere and would take the only room of face 2.
    boxes = np.array([[150, 120, 300, 350], [420, 120, 636, 350]], np.int32)
    placement = place(boxes, [Candidate((110, 200)), Candidate((110, 200))], area=AREA)
    assert placement.fits
    assert placement.rects[0, 2] <= 150
    assert placement.rects[1, 0] >= 300


def test_a_face_over_the_whole_frame_is_covered_as_little_as_can_be():
    boxes = np.array([[0, 0, 640, 360]], np.int32)
    placement = place(boxes, [Candidate((60, 20), is_chips=True)], area=AREA)
    assert not placement.fits
    assert is_free(placement.rects[0], np.zeros((0, 4), np.int32), area=AREA)


def test_nothing_takes_no_room():
    boxes = np.array([[0, 0, 640, 360]], np.int32)
    assert place(boxes, [Candidate((0, 0))], area=AREA).fits


def test_a_trembling_panel_stands_still_and_a_moving_one_follows():
    last = np.array([100, 50, 200, 150], np.int32)
    assert follow(last, last + 3, slack=4).tolist() == last.tolist()
    assert follow(last, last + 20, slack=4).tolist() == (last + 16).tolist()


def test_follow_takes_the_new_size():
    last, wanted = np.array([0, 0, 10, 10], np.int32), np.array([0, 0, 30, 20], np.int32)
    assert follow(last, wanted, slack=4).tolist() == [0, 0, 30, 20]
