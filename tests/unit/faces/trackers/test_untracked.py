"""Unrelated images: every face gets a new id."""

import numpy as np

from rtau.data import Faces
from rtau.faces.trackers import open_tracker
from rtau.faces.trackers.untracked import Untracked


def test_ids_count_on_and_boxes_stay():
    tracker = Untracked()
    faces = Faces(boxes_xyxy=np.array([[0, 0, 9, 9], [1, 1, 8, 8]], np.float32))
    first = tracker.update(faces, time_s=0.0)
    second = tracker.update(faces, time_s=0.0)
    assert (first.track_ids.tolist(), second.track_ids.tolist()) == ([1, 2], [3, 4])
    np.testing.assert_array_equal(second.boxes_xyxy, faces.boxes_xyxy)


def test_it_is_opened_by_name():
    assert isinstance(open_tracker("untracked"), Untracked)
