"""Detection in changed regions only while a face is tracked, in the full frame now and then."""

import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.detectors.recorded import ListDetector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers.iou import IouTracker

SIZE = (400, 600, 3)
A = (100.0, 100.0, 200.0, 200.0)
B = (350.0, 120.0, 450.0, 220.0)


def picture(boxes):
    """Returns a picture in which every face is a bright square."""
    image = np.full(SIZE, 60, np.uint8)
    for x0, y0, x1, y1 in np.array(boxes, int).reshape(-1, 4).tolist():
        image[y0:y1, x0:x1] = 180
    return image


class Searches(ListDetector):
    """List detector that records its calls: frames of full-frame ones, regions of others."""

    def __init__(self, boxes):
        super().__init__(boxes)
        self.whole, self.parts = [], {}

    def detect(self, frame, /, *, near=None, within=None, seen=None):
        if near is None and within is None:
            self.whole.append(frame.index)
        elif near is None:
            self.parts[frame.index] = within
        return super().detect(frame, near=near, within=within)


def run(boxes, *, policy=None, fps=25.0, follow=False):
    detector = Searches(boxes)
    face_tracker = FaceTracker(detector, IouTracker(), policy or DetectionPolicy())
    results = []
    for k, now in enumerate(boxes):
        found = face_tracker.track(Frame(index=k, time_s=k / fps, picture=picture(now)))
        if follow:
            face_tracker.predict(found.faces)
        results.append(found)
    return detector, results


def ids(results):
    return [found.faces.track_ids.tolist() for found in results]


@pytest.mark.parametrize("follow", [False, True])
def test_a_still_picture_gets_full_frame_detection_every_two_seconds_and_none_between(follow):
    detector, results = run([[A]] * 120, follow=follow)
    assert detector.whole == [0, 49, 98]
    assert detector.parts == {}
    assert ids(results)[2:] == [[1]] * 118


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("fps", [5, 12.5, 25, 30, 60])
@pytest.mark.parametrize("start", [11, 14, 17])
def test_a_face_that_comes_to_another_is_reported_within_half_a_second(start, fps, follow):
    boxes = [[A]] * start + [[A, B]] * 60
    detector, results = run(boxes, fps=fps, follow=follow)

    first = next(k for k, found in enumerate(ids(results)) if found == [1, 2])
    assert (first - start) / fps <= 0.5
    assert all(found == [1, 2] for found in ids(results)[first:])
    for parts in detector.parts.values():
        assert len(parts) == 1
        assert (parts[0][:2] <= B[:2]).all()
        assert (parts[0][2:] >= B[2:]).all()


def test_changes_inside_a_known_face_are_ignored():
    moving = [[tuple(np.add(A, 6 * np.sin(k / 5)))] for k in range(45)]
    detector, results = run(moving)
    assert detector.whole == [0]
    assert detector.parts == {}
    assert ids(results)[2:] == [[1]] * 43


def test_a_lost_face_triggers_full_frame_detection():
    boxes = [[A]] * 10 + [[B]] * 20
    detector, results = run(boxes)
    assert 10 in detector.whole
    assert len(ids(results)[-1]) == 1


@pytest.mark.parametrize("missed", range(1, 24, 2))
def test_a_face_that_was_missed_beside_another_is_back_at_once_with_its_id(missed):
    """However long, as long as it is remembered, and though the picture stands still."""
    detector = Searches([[A, B]] * 20 + [[A]] * missed + [[A, B]] * 40)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    still = picture([A, B])
    results = [
        face_tracker.track(Frame(index=k, time_s=k / 25, picture=still)) for k in range(60 + missed)
    ]
    back = ids(results).index([1, 2], 20 + missed)
    assert (back - 20 - missed) / 25 <= DetectionPolicy().detect_every_s + 1 / 25


@pytest.mark.parametrize(
    ("there", "levels"),
    [
        pytest.param((10.0, 20.0, 80.0, 90.0), 120, id="in front of another head"),
        pytest.param(B, 3, id="hardly another grey"),
    ],
)
@pytest.mark.parametrize("frame", [12, 20, 30, 44])
def test_a_face_that_jumps_outside_all_regions_is_redetected_soon(frame, there, levels):
    """Within a second after a loss, detection covers the full frame."""
    big, here = (60.0, 60.0, 260.0, 260.0), (450.0, 300.0, 520.0, 370.0)
    boxes = [[big, here]] * frame + [[big, there]] * 60
    detector = Searches(boxes)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    back = None
    for k, (_, small) in enumerate(boxes):
        image = picture([big])
        x0, y0, x1, y1 = (int(value) for value in small)
        image[y0:y1, x0:x1] = image[y0:y1, x0:x1] // 2 + (levels + 60) // 2
        found = face_tracker.track(Frame(index=k, time_s=k / 25, picture=image))
        if k >= frame and any(np.abs(found.faces.boxes_xyxy - there).max(axis=1) <= 5):
            back = k if back is None else back
    assert (back - frame) / 25 <= DetectionPolicy().full_frame_every_s / 2 + 0.2


def test_a_flickering_face_does_not_trigger_full_frame_detection_each_time():
    boxes = [[A, B] if k % 3 else [A] for k in range(100)]
    detector, _ = run(boxes)
    assert len(detector.whole) <= 2 + 100 / 25


def test_a_face_that_full_frame_detection_misses_is_redetected_until_found():
    class Blind(Searches):
        def detect(self, frame, /, *, near=None, within=None, seen=None):
            if near is not None:
                self.looks.append(frame.index)
            found = super().detect(frame, near=near, within=within)
            return Faces.none() if near is None and 40 <= frame.index < 90 else found

    detector = Blind([[A]] * 120)
    detector.looks = []
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    for k in range(120):
        found = face_tracker.track(Frame(index=k, time_s=k / 25, picture=picture([A])))
        face_tracker.predict(found.faces)
        assert k < 2 or len(found.faces) == 1
    assert detector.whole == [0, 49, 98]
    assert set(range(49, 99)) <= set(detector.looks)
    assert not set(range(99, 105)) & set(detector.looks)


def test_without_a_face_detection_covers_the_full_frame():
    detector, _ = run([[]] * 30)
    assert detector.whole == list(range(0, 30, 7))


def test_detection_in_every_frame_covers_the_full_frame():
    policy = DetectionPolicy(detect_every_s=0)
    detector, _ = run([[A]] * 10, policy=policy)
    assert detector.whole == list(range(10))


def test_a_predicted_face_that_is_not_redetected_is_lost_although_nothing_changed():
    """A prediction that drifted onto a wall is ended by re-detection."""
    detector = Searches([[A]] * 10 + [[]] * 40)
    face_tracker = FaceTracker(detector, IouTracker(), DetectionPolicy())
    seen = []
    for k in range(50):
        found = face_tracker.track(Frame(index=k, time_s=k / 25, picture=picture([A])))
        face_tracker.predict(
            Faces(boxes_xyxy=found.faces.boxes_xyxy, track_ids=found.faces.track_ids)
        )
        seen.append(len(found.faces))
    policy = DetectionPolicy()
    gone = seen.index(0, 10)
    assert (gone - 9) / 25 <= policy.detect_every_s + policy.max_lost_s + 2 / 25
    assert not any(seen[gone:])
