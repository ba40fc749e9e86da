"""Every tracker keeps the promises of `rtau.protocols.Tracker`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.data import Faces
from rtau.faces.trackers.iou import IouTracker
from rtau.faces.trackers.untracked import Untracked
from rtau.protocols import Tracker

TRACKERS = [IouTracker, Untracked]

corner = st.floats(0, 500, width=32)
side = st.floats(1, 200, width=32)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
frames = st.lists(st.lists(box, max_size=6), max_size=8)


def faces(boxes):
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return Faces(boxes_xyxy=xyxy, scores=np.linspace(0.5, 1, len(xyxy), dtype=np.float32))


@pytest.mark.parametrize("make", TRACKERS)
def test_it_is_a_tracker(make):
    assert isinstance(make(), Tracker)


@pytest.mark.parametrize("make", TRACKERS)
@settings(max_examples=40, deadline=None)
@given(frames=frames)
def test_rows_stay_and_every_row_has_an_id_of_its_own(make, frames):
    tracker = make()
    for index, boxes in enumerate(frames):
        seen = faces(boxes)
        tracked = tracker.update(seen, time_s=index / 25)
        assert len(tracked) == len(seen)
        np.testing.assert_array_equal(tracked.scores, seen.scores)
        assert len(set(tracked.track_ids.tolist())) == len(seen)
        assert (tracked.track_ids >= 1).all()
        assert tracked.track_ids.dtype == np.int64


@pytest.mark.parametrize("make", TRACKERS)
@settings(max_examples=40, deadline=None)
@given(frames=frames)
def test_no_id_returns_after_a_reset(make, frames):
    tracker = make()
    before: set[int] = set()
    for boxes in frames:
        before |= set(tracker.update(faces(boxes), time_s=0.0).track_ids.tolist())
    tracker.reset()
    after = set(tracker.update(faces([(0, 0, 50, 50)]), time_s=0.0).track_ids.tolist())
    assert not before & after


@pytest.mark.parametrize("make", TRACKERS)
def test_ids_start_at_one_and_no_face_needs_none(make):
    tracker = make()
    assert len(tracker.update(faces([]), time_s=0.0)) == 0
    assert tracker.update(faces([(0, 0, 9, 9)]), time_s=0.1).track_ids.tolist() == [1]
