"""When faces are detected, tracked and reported."""

import dataclasses

import numpy as np
import pytest

from rtau.data import Faces, Frame
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.detectors.recorded import ListDetector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers.iou import IouTracker
from rtau.faces.trackers.untracked import Untracked

IMAGE = np.zeros((400, 600, 3), np.uint8)
A = (100.0, 100.0, 200.0, 200.0)
B = (350.0, 120.0, 450.0, 220.0)


# The picture never changes here and shows nothing, though faces of the list detector come and go.
WHOLE = DetectionPolicy(full_frame_every_s=0, redetect_every_s=0)


class Watched(ListDetector):
    """List detector that records the frame index of every call, full-frame or local."""

    def __init__(self, boxes, *, scores=None, misses_near=()):
        super().__init__(boxes, scores=scores)
        self.whole: list[int] = []
        self.near: list[int] = []
        self.misses_near = set(misses_near)

    def detect(self, frame, /, *, near=None, within=None, seen=None):
        assert within is None
        (self.whole if near is None else self.near).append(frame.index)
        if near is not None and frame.index in self.misses_near:
            return Faces.none()
        return super().detect(frame, near=near)


def run(detector, *, frames, fps=25.0, policy=None, tracker=None):
    face_tracker = FaceTracker(detector, tracker or IouTracker(), policy or WHOLE)
    return [
        face_tracker.track(Frame(index=k, time_s=k / fps, picture=IMAGE)) for k in range(frames)
    ]


def ids(found):
    return [f.faces.track_ids.tolist() for f in found]


def test_a_face_is_confirmed_by_its_third_detection_and_tentative_before():
    found = run(Watched([[A]] * 10), frames=10)
    assert ids(found) == [[], [], *[[1]] * 8]
    assert [len(f.tentative_xyxy) for f in found] == [1, 1, *[0] * 8]


@pytest.mark.parametrize("fps", [5, 8, 10, 12.5, 15, 24, 25, 29.97, 30, 50, 60])
@pytest.mark.parametrize("start", range(8))
def test_a_new_face_is_reported_within_half_a_second(fps, start):
    boxes = [[]] * start + [[A]] * 80
    found = run(Watched(boxes), frames=len(boxes), fps=fps)
    first = next(k for k, f in enumerate(found) if len(f.faces))
    assert (first - start) / fps <= 0.5


def test_full_frame_detection_is_rare_and_known_faces_are_redetected_in_every_frame():
    detector = Watched([[A]] * 50)
    run(detector, frames=50)
    assert detector.whole == list(range(0, 50, 7))
    assert detector.near == list(range(1, 50))


def test_without_a_face_there_is_no_detection_in_between():
    detector = Watched([[]] * 15)
    run(detector, frames=15)
    assert detector.whole == [0, 7, 14]
    assert detector.near == []


def test_a_box_seen_once_is_never_reported():
    boxes = [[A] if k % 7 == 0 else [] for k in range(60)]
    assert not any(len(f.faces) for f in run(Watched(boxes), frames=60))


def test_a_weak_box_is_never_reported_however_often_it_is_seen():
    detector = Watched([[A]] * 60, scores=[[0.4]] * 60)
    found = run(detector, frames=60)
    assert not any(len(f.faces) for f in found)
    assert all(len(f.tentative_xyxy) == 1 for f in found)


def test_a_confirmed_face_may_have_a_low_score_later():
    scores = [[0.9]] * 5 + [[0.2]] * 20
    found = run(Watched([[A]] * 25, scores=scores), frames=25)
    assert ids(found)[5:] == [[1]] * 20


def test_a_briefly_lost_face_is_reported_with_a_falling_score():
    boxes = [[A]] * 10 + [[]] * 3 + [[A]] * 10
    found = run(Watched(boxes), frames=23)
    assert ids(found)[2:] == [[1]] * 21
    fading = [float(f.faces.scores[0]) for f in found[9:13]]
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] < 0.5
    np.testing.assert_allclose(found[12].faces.boxes_xyxy, [A])


def test_a_face_that_left_is_gone_within_max_lost_s():
    found = run(Watched([[A]] * 10 + [[]] * 30), frames=40)
    gone = next(k for k in range(10, 40) if not len(found[k].faces))
    assert (gone - 9) / 25 <= DetectionPolicy().max_lost_s + 1 / 25
    assert not any(len(f.faces) for f in found[gone:])


def test_a_face_back_within_a_second_keeps_its_id_and_needs_no_confirmation():
    boxes = [[A]] * 10 + [[]] * 15 + [[A]] * 20
    found = run(Watched(boxes), frames=45)
    assert set(map(tuple, ids(found)[2:])) == {(1,), ()}
    back = next(k for k in range(25, 45) if len(found[k].faces))
    assert (back - 25) / 25 <= 0.3


def test_a_face_that_is_not_redetected_triggers_full_frame_detection_at_once():
    far = (260.0, 100.0, 360.0, 200.0)  # jumped beyond the region looked at
    detector = Watched([[A]] * 10 + [[far]] * 10)
    run(detector, frames=20)
    assert 10 in detector.whole


def test_a_loss_does_not_trigger_detection_in_every_frame():
    detector = Watched([[A]] * 10 + [[]] * 30)
    run(detector, frames=40)
    assert len(detector.whole) <= 40 / 7 + 3


def test_with_full_frame_detection_a_known_face_keeps_its_redetected_box():
    class Beating(Watched):
        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            shift = 0 if near is not None else 9
            return Faces(boxes_xyxy=found.boxes_xyxy + np.float32(shift), scores=found.scores)

    found = run(Beating([[A]] * 30), frames=30, tracker=Untracked(), policy=None)
    assert found  # Untracked never confirms; what is seen shows among the unconfirmed
    boxes = np.concatenate([f.tentative_xyxy for f in found[1:]])
    np.testing.assert_array_equal(boxes, np.array([A] * 29, np.float32))


class KnownFaces(ListDetector):
    """List detector that records the known faces it was given, by frame index."""

    def __init__(self, boxes):
        super().__init__(boxes)
        self.seen: dict[int, list[list[float]]] = {}

    def detect(self, frame, /, *, near=None, within=None, seen=None):
        if near is None:
            self.seen[frame.index] = seen.boxes_xyxy.tolist()
        return super().detect(frame, near=near, within=within)


def test_full_frame_detection_gets_the_confirmed_faces_already_redetected():
    detector = KnownFaces([[A]] * 20 + [[A, B]] * 20)
    policy = dataclasses.replace(WHOLE, detect_every_s=0.04)
    run(detector, frames=40, policy=policy)
    assert [detector.seen[k] for k in range(3)] == [[], [], []]
    assert all(detector.seen[k] == [list(A)] for k in range(3, 23))
    assert all(detector.seen[k] == [list(A), list(B)] for k in range(23, 40))


def test_ids_have_no_gaps_although_tentative_boxes_come_and_go():
    doubtful = [[A, B] if k % 7 == 0 and k < 21 else [A] for k in range(21)]
    found = run(Watched(doubtful + [[A, B]] * 20), frames=41)
    assert ids(found)[-1] == [1, 2]


def test_two_faces_are_two_and_come_ordered_by_id():
    found = run(Watched([[B, A]] * 10), frames=10)
    assert ids(found)[-1] == [1, 2]


def test_reset_forgets_faces_but_not_ids():
    face_tracker = FaceTracker(Watched([[A]] * 20), IouTracker(), DetectionPolicy())
    for k in range(5):
        last = face_tracker.track(Frame(index=k, time_s=k / 25, picture=IMAGE))
    assert last.faces.track_ids.tolist() == [1]
    face_tracker.reset()
    again = [face_tracker.track(Frame(index=k, time_s=k / 25, picture=IMAGE)) for k in range(5)]
    assert ids(again) == [[], [], [2], [2], [2]]


def test_unrelated_images_get_full_frame_detection_and_new_ids():
    detector = Watched([[A]] * 3)
    found = run(detector, frames=3, policy=DetectionPolicy.for_images(), tracker=Untracked())
    assert detector.whole == [0, 1, 2]
    assert detector.near == []
    assert ids(found) == [[1], [2], [3]]


def test_images_that_share_one_time_do_not_show_each_others_faces():
    face_tracker = FaceTracker(ListDetector([[A], [B]]), Untracked(), DetectionPolicy.for_images())
    for index, box in enumerate((A, B)):
        found = face_tracker.track(Frame(index=index, time_s=0.0, picture=IMAGE))
        np.testing.assert_array_equal(found.faces.boxes_xyxy, [box])


def test_a_weak_box_of_an_image_is_tentative():
    detector = ListDetector([[A]], scores=[[0.45]])
    (found,) = run(detector, frames=1, policy=DetectionPolicy.for_images())
    assert (len(found.faces), len(found.tentative_xyxy)) == (0, 1)


def test_recorded_faces_are_all_confirmed_and_keep_their_ids():
    detector = ListDetector([[A], [A, B], [], [A]], scores=[[0.05], [0.05, 0.0], [], [0.1]])
    found = run(detector, frames=4, policy=DetectionPolicy.for_recorded())
    assert ids(found) == [[1], [1, 2], [], [1]]


def test_two_runs_agree():
    rng = np.random.default_rng(5)
    boxes = [[tuple(np.add(A, rng.normal(0, 2, 4)))] * int(rng.random() < 0.8) for _ in range(80)]
    first, second = (run(ListDetector(boxes), frames=80) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for field in dataclasses.fields(one.faces):
            np.testing.assert_array_equal(
                getattr(one.faces, field.name), getattr(other.faces, field.name)
            )
