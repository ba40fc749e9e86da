"""Template matching predicts known faces for a few frames between detections."""

import dataclasses

import cv2
import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.detectors.recorded import ListDetector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers.iou import IouTracker

TEXTURE = np.random.default_rng(3).integers(30, 220, (10, 10, 3), np.uint8)


def square(x, y=100.0):
    return (x, y, x + 100.0, y + 100.0)


def picture(boxes):
    """Returns a picture in which every box holds the same smooth texture."""
    image = np.full((400, 600, 3), 60, np.uint8)
    for x0, y0, x1, y1 in np.array(boxes, int).reshape(-1, 4).tolist():
        size = (x1 - x0, y1 - y0)
        image[y0:y1, x0:x1] = cv2.resize(TEXTURE, size, interpolation=cv2.INTER_CUBIC)
    return image


class Looks(ListDetector):
    """List detector that records the frames of local re-detection."""

    def __init__(self, boxes):
        super().__init__(boxes)
        self.near = []

    def detect(self, frame, /, *, near=None, within=None, seen=None):
        if near is not None:
            self.near.append(frame.index)
        return super().detect(frame, near=near, within=within)


def run(shown, *, detected=None, fps=25.0, policy=None, tracker=None):
    detector = Looks(shown if detected is None else detected)
    face_tracker = FaceTracker(detector, tracker or IouTracker(), policy or DetectionPolicy())
    found = [
        face_tracker.track(Frame(index=k, time_s=k / fps, picture=picture(now)))
        for k, now in enumerate(shown)
    ]
    return detector, found


@pytest.mark.parametrize(("fps", "step"), [(25, 3), (30, 4), (12.5, 1), (60, 7), (5, 1)])
def test_faces_are_redetected_at_intervals(fps, step):
    policy = DetectionPolicy(detect_every_s=100)
    detector, found = run([[square(100)]] * 60, fps=fps, policy=policy)
    looks = [k for k in detector.near if k > 10]
    assert set(np.diff(looks)) == {step}
    assert all(len(f.faces) == 1 for f in found[2:])


def test_a_face_is_tracked_between_redetections():
    boxes = [[square(100.0 + 3 * k)] for k in range(40)]
    detector, found = run(boxes)
    _, looked_at = run(boxes, policy=DetectionPolicy(redetect_every_s=0))
    for here, there in zip(found[2:], looked_at[2:], strict=True):
        assert np.abs(here.faces.boxes_xyxy - there.faces.boxes_xyxy).max() <= 1.0
    assert len(detector.near) < 30


def test_zero_redetects_in_every_frame():
    policy = DetectionPolicy(redetect_every_s=0)
    detector, _ = run([[square(100)]] * 30, policy=policy)
    assert detector.near == list(range(1, 30))


def test_a_face_that_changes_abruptly_is_redetected_at_once():
    shown = [[square(100)]] * 10 + [[]] * 3
    detector, _ = run(shown, detected=[[square(100)]] * 13)
    assert {10, 11, 12} <= set(detector.near)


def test_what_is_no_longer_detected_is_not_tracked_beyond_the_next_redetection():
    """A poster in place of the face: the template matches, the detector does not."""
    policy = DetectionPolicy()
    shown = [[square(100)]] * 40
    _, found = run(shown, detected=[[square(100)]] * 10 + [[]] * 30)
    gone = next(k for k in range(10, 40) if not len(found[k].faces))
    assert (gone - 10) / 25 <= policy.redetect_every_s + policy.max_lost_s + 1 / 25


def test_a_tentative_face_is_redetected_in_every_frame():
    policy = dataclasses.replace(DetectionPolicy(), confirm_hits=100, confirm_s=100)
    detector, found = run([[square(100)]] * 20, policy=policy)
    assert detector.near == list(range(1, 20))
    assert all(len(f.faces) == 0 for f in found)


def test_two_faces_that_pass_each_other_keep_their_own_boxes():
    boxes = [[square(40.0 + 6 * k, 60.0), square(400.0 - 6 * k, 220.0)] for k in range(50)]
    detector, found = run(boxes)
    _, looked_at = run(boxes, policy=DetectionPolicy(redetect_every_s=0))
    for here, there in zip(found[2:], looked_at[2:], strict=True):
        assert here.faces.track_ids.tolist() == [1, 2]
        assert np.abs(here.faces.boxes_xyxy - there.faces.boxes_xyxy).max() <= 1.0
    assert len(detector.near) < 40


def test_equal_timestamps_trigger_redetection():
    detector = Looks([[square(100)]] * 10 + [[]] * 20)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    for k in range(30):
        face_tracker.track(Frame(index=k, time_s=min(k, 8) / 25, picture=picture([square(100)])))
    assert set(range(9, 12)) <= set(detector.near)


def test_a_face_without_a_prediction_is_redetected():
    detector = Looks([[square(100)]] * 20)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    for k in range(20):
        face_tracker.track(Frame(index=k, time_s=k / 25, picture=picture([square(100)])))
        face_tracker.predict(Faces.none())
    assert detector.near == list(range(1, 20))


def test_a_face_at_the_edge_of_the_frame_is_redetected():
    boxes = [[(0.0, 100.0, 60.0, 200.0)]] * 20
    detector, _ = run(boxes)
    assert detector.near == list(range(1, 20))


def test_given_predictions_replace_template_matching():
    detector = Looks([[square(100)]] * 20)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    elsewhere = np.array([square(112)], np.float32)
    for k in range(20):
        found = face_tracker.track(Frame(index=k, time_s=k / 25, picture=picture([square(100)])))
        if k > 12:
            assert np.abs(found.faces.boxes_xyxy - elsewhere).max() <= 1.0
        ids = found.faces.track_ids
        face_tracker.predict(Faces(boxes_xyxy=elsewhere[: len(ids)], track_ids=ids))
