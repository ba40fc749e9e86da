"""Tracking faces by their boxes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.data import Faces
from rtau.faces.trackers.iou import MEMORY_S, IouTracker

corner = st.integers(0, 400)
boxes = st.lists(
    st.tuples(corner, corner, st.integers(20, 120)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[2])
    ),
    max_size=5,
    unique=True,
)


def faces(rows):
    return Faces(boxes_xyxy=np.array(rows, np.float32).reshape(-1, 4))


def at(x, y=100, side=80):
    return (x, y, x + side, y + side)


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(boxes, min_size=1, max_size=6), seed=st.integers(0, 2**16))
def test_the_order_of_the_rows_is_without_effect(frames, seed):
    rng = np.random.default_rng(seed)
    straight, shuffled = IouTracker(), IouTracker()
    for index, rows in enumerate(frames):
        order = rng.permutation(len(rows))
        expected = straight.update(faces(rows), time_s=index / 25)
        got = shuffled.update(faces([rows[k] for k in order]), time_s=index / 25)
        np.testing.assert_array_equal(got.track_ids, expected.track_ids[order])
        np.testing.assert_array_equal(got.boxes_xyxy, expected.boxes_xyxy[order])


def test_a_moving_face_keeps_its_id():
    tracker = IouTracker()
    ids = {
        int(tracker.update(faces([at(10 + 12 * k)]), time_s=k / 25).track_ids[0]) for k in range(40)
    }
    assert ids == {1}


def test_two_faces_that_pass_close_by_keep_their_ids():
    tracker = IouTracker()
    for k in range(60):  # they come within an eighth of a face, stay, and part again
        gap = 90 + abs(k - 30) * 6
        left, right = at(300 - gap / 2), at(300 + gap / 2)
        tracked = tracker.update(faces([right, left] if k % 2 else [left, right]), time_s=k / 25)
        assert sorted(tracked.track_ids.tolist()) == [1, 2]
        assert tracked.track_ids[k % 2] == 1


def test_a_face_lost_for_less_than_the_memory_keeps_its_id_near_its_place():
    tracker = IouTracker()
    tracker.update(faces([at(100)]), time_s=0.0)
    tracker.update(faces([]), time_s=0.5)
    assert tracker.update(faces([at(160)]), time_s=0.9).track_ids.tolist() == [1]


def test_a_face_lost_for_longer_or_far_away_is_a_new_one():
    tracker = IouTracker()
    tracker.update(faces([at(100)]), time_s=0.0)
    late = 0.1 + MEMORY_S
    assert tracker.update(faces([at(100)]), time_s=late).track_ids.tolist() == [2]
    assert tracker.update(faces([at(400)]), time_s=late + 0.1).track_ids.tolist() == [3]


def test_a_face_twice_as_large_is_someone_else():
    tracker = IouTracker()
    tracker.update(faces([at(100, side=60)]), time_s=0.0)
    assert tracker.update(faces([at(100, side=130)]), time_s=0.04).track_ids.tolist() == [2]


def test_one_box_between_two_tracks_goes_to_the_nearer():
    tracker = IouTracker()
    tracker.update(faces([at(100), at(200)]), time_s=0.0)
    assert tracker.update(faces([at(180)]), time_s=0.04).track_ids.tolist() == [2]
