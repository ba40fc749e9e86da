"""Predicted boxes replace re-detection, but never for long without detection."""

import numpy as np

from rtau.data import Faces, Frame
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers.iou import IouTracker
from rtau.faces.trackers.untracked import Untracked
from tests.unit.faces.test_face_tracker import IMAGE, WHOLE, A, B, Watched, ids


def predicted(boxes, track_ids):
    return Faces(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        track_ids=np.array(track_ids, np.int64),
    )


def run(detector, *, frames, predict=None, fps=25.0, policy=None, tracker=None):
    """Tracks frame after frame; `predict(found)` gives the predictions (default: unchanged)."""
    face_tracker = FaceTracker(detector, tracker or IouTracker(), policy or WHOLE)
    predict = predict or (lambda found: predicted(found.faces.boxes_xyxy, found.faces.track_ids))
    results = []
    for k in range(frames):
        results.append(face_tracker.track(Frame(index=k, time_s=k / fps, picture=IMAGE)))
        face_tracker.predict(predict(results[-1]))
    return results


def test_a_predicted_face_is_not_redetected():
    detector = Watched([[A]] * 50)
    found = run(detector, frames=50)

    assert detector.near == [1, 2]  # until it is confirmed, and so reported, and told of
    assert detector.whole == list(range(0, 50, 7))
    assert ids(found)[2:] == [[1]] * 48


def test_its_box_is_the_predicted_one():
    there = np.add(A, 6.0)

    def predict(found):
        return predicted([there] * len(found.faces), found.faces.track_ids)

    found = run(Watched([[A]] * 20), frames=20, predict=predict)
    np.testing.assert_allclose(found[-1].faces.boxes_xyxy, [there], atol=0.1)
    assert ids(found)[-1] == [1]


def test_a_prediction_is_valid_for_one_frame():
    detector = Watched([[A]] * 12)
    face_tracker = FaceTracker(detector, IouTracker(), WHOLE)
    for k in range(12):
        found = face_tracker.track(Frame(index=k, time_s=k / 25, picture=IMAGE))
        if k < 6:
            face_tracker.predict(predicted(found.faces.boxes_xyxy, found.faces.track_ids))
    assert detector.near == [1, 2, *range(7, 12)]


def test_a_face_without_a_prediction_is_redetected_beside_predicted_ones():
    detector = Watched([[A, B]] * 20)

    def predict_of_the_first(found):
        first = found.faces.track_ids == 1
        return predicted(found.faces.boxes_xyxy[first], found.faces.track_ids[first])

    found = run(detector, frames=20, predict=predict_of_the_first)
    assert detector.near == list(range(1, 20))
    assert ids(found)[2:] == [[1, 2]] * 18


def test_a_predicted_face_that_left_is_lost_soon_after_the_next_detection():
    """A network may predict a face on a wall; the detector ends it."""
    detector = Watched([[A]] * 10 + [[]] * 40)
    found = run(detector, frames=50)

    gone = next(k for k in range(10, 50) if not len(found[k].faces))
    search = next(k for k in detector.whole if k >= 10)
    policy = DetectionPolicy()
    assert (gone - search) / 25 <= policy.max_lost_s + 1 / 25
    assert (gone - 9) / 25 <= policy.detect_every_s + policy.max_lost_s + 2 / 25
    assert not any(len(f.faces) for f in found[gone:])


def test_an_unverified_face_is_redetected_until_detection_finds_it():
    class Blind(Watched):
        """Full-frame detection misses the face in some frames; re-detection does not."""

        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            return Faces.none() if near is None and frame.index in (14, 21) else found

    detector = Blind([[A]] * 50)
    found = run(detector, frames=50)

    assert detector.near == [1, 2, *range(14, 29)]
    assert detector.whole == list(range(0, 50, 7))
    assert ids(found)[2:] == [[1]] * 48


def test_detection_evaluates_unverified_faces_again():
    class Blind(Watched):
        """One full-frame detection misses the face; each records how many faces it was given."""

        def __init__(self, boxes):
            super().__init__(boxes)
            self.sure: dict[int, int] = {}

        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            if near is None:
                self.sure[frame.index] = len(seen)
            return Faces.none() if near is None and frame.index == 14 else found

    detector = Blind([[A]] * 50)

    def predict_until_missed(found):
        if 14 in detector.sure:
            return predicted([], [])
        return predicted(found.faces.boxes_xyxy, found.faces.track_ids)

    run(detector, frames=50, predict=predict_until_missed)
    assert detector.sure == {
        **dict.fromkeys((0, 7, 14), 0),  # told of: not looked at before
        21: 0,  # looked at, but no search has shown it since
        **dict.fromkeys((28, 35, 42, 49), 1),
    }


def test_a_lost_face_is_redetected_although_predicted():
    class Shut(Watched):
        """Nothing detects the face for some frames."""

        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            return Faces.none() if 14 <= frame.index < 17 else found

    detector = Shut([[A]] * 30)
    found = run(detector, frames=30)

    assert set(range(14, 18)) <= set(detector.near)
    assert ids(found)[2:] == [[1]] * 28
    fading = [float(f.faces.scores[0]) for f in found[13:17]]
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] < fading[0]


def test_two_faces_predicted_at_one_place_become_one():
    def both_to_the_first(found):
        return predicted([A] * len(found.faces), found.faces.track_ids)

    found = run(Watched([[A, B]] * 5 + [[A]] * 30), frames=35, predict=both_to_the_first)
    assert ids(found)[-1] == [1]


def test_a_predicted_face_has_the_score_of_the_last_detection():
    scores = [[0.9]] * 7 + [[0.6]] * 7 + [[0.8]] * 10
    found = run(Watched([[A]] * 24, scores=scores), frames=24)
    said = [round(float(f.faces.scores[0]), 3) for f in found[2:]]
    assert said == [0.9] * 5 + [0.6] * 7 + [0.8] * 10


def test_predictions_are_ignored_for_unrelated_images():
    detector = Watched([[A]] * 3)
    run(detector, frames=3, policy=DetectionPolicy.for_images(), tracker=Untracked())
    assert (detector.whole, detector.near) == ([0, 1, 2], [])
