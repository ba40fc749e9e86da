"""What the finder does with faces it was told of: no look around them, never for long unseen."""

import numpy as np

from rtau.data import Faces, Frame
from rtau.faces.detection_policy import SearchPolicy
from rtau.faces.face_tracker import FaceFinder
from rtau.faces.trackers.iou import IouTracker
from rtau.faces.trackers.untracked import Untracked
from tests.unit.faces.test_face_tracker import IMAGE, WHOLE, A, B, Watched, ids


def told(boxes, track_ids):
    return Faces(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        track_ids=np.array(track_ids, np.int64),
    )


def run(detector, *, frames, tell=None, fps=25.0, policy=None, tracker=None):
    """Finds in frame after frame; `tell(found)` says where faces will be: where they are."""
    finder = FaceFinder(detector, tracker or IouTracker(), policy or WHOLE)
    tell = tell or (lambda found: told(found.faces.boxes_xyxy, found.faces.track_ids))
    results = []
    for k in range(frames):
        results.append(finder.find(Frame(index=k, time_s=k / fps, picture=IMAGE)))
        finder.follow(tell(results[-1]))
    return results


def test_a_face_that_was_told_of_is_not_looked_for():
    detector = Watched([[A]] * 50)
    found = run(detector, frames=50)

    assert detector.near == [1, 2]  # until it is confirmed, and so reported, and told of
    assert detector.whole == list(range(0, 50, 7))
    assert ids(found)[2:] == [[1]] * 48


def test_its_box_is_the_one_that_was_told():
    there = np.add(A, 6.0)

    def tell(found):
        return told([there] * len(found.faces), found.faces.track_ids)

    found = run(Watched([[A]] * 20), frames=20, tell=tell)
    np.testing.assert_allclose(found[-1].faces.boxes_xyxy, [there], atol=0.1)
    assert ids(found)[-1] == [1]


def test_what_was_told_holds_for_one_frame():
    detector = Watched([[A]] * 12)
    finder = FaceFinder(detector, IouTracker(), WHOLE)
    for k in range(12):
        found = finder.find(Frame(index=k, time_s=k / 25, picture=IMAGE))
        if k < 6:
            finder.follow(told(found.faces.boxes_xyxy, found.faces.track_ids))
    assert detector.near == [1, 2, *range(7, 12)]


def test_a_face_of_which_nothing_is_told_is_looked_for_beside_those_told_of():
    detector = Watched([[A, B]] * 20)

    def tell_of_the_first(found):
        first = found.faces.track_ids == 1
        return told(found.faces.boxes_xyxy[first], found.faces.track_ids[first])

    found = run(detector, frames=20, tell=tell_of_the_first)
    assert detector.near == list(range(1, 20))
    assert ids(found)[2:] == [[1, 2]] * 18


def test_a_face_that_left_is_gone_soon_after_the_next_search_though_told_of():
    """The network answers for a wall too; the detector ends it."""
    detector = Watched([[A]] * 10 + [[]] * 40)
    found = run(detector, frames=50)

    gone = next(k for k in range(10, 50) if not len(found[k].faces))
    search = next(k for k in detector.whole if k >= 10)
    policy = SearchPolicy()
    assert (gone - search) / 25 <= policy.hold_s + 1 / 25
    assert (gone - 9) / 25 <= policy.detect_every_s + policy.hold_s + 2 / 25
    assert not any(len(f.faces) for f in found[gone:])


def test_a_face_no_search_shows_is_looked_for_until_one_does():
    class Blind(Watched):
        """Whole searches miss the face in some frames; looks around it do not."""

        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            return Faces.none() if near is None and frame.index in (14, 21) else found

    detector = Blind([[A]] * 50)
    found = run(detector, frames=50)

    assert detector.near == [1, 2, *range(14, 29)]
    assert detector.whole == list(range(0, 50, 7))
    assert ids(found)[2:] == [[1]] * 48


def test_a_search_judges_anew_whom_a_search_has_not_shown():
    class Blind(Watched):
        """One whole search misses the face; each notes how many it need not judge."""

        def __init__(self, boxes):
            super().__init__(boxes)
            self.sure: dict[int, int] = {}

        def detect(self, frame, /, *, near=None, within=None, seen=None):
            found = super().detect(frame, near=near)
            if near is None:
                self.sure[frame.index] = len(seen)
            return Faces.none() if near is None and frame.index == 14 else found

    detector = Blind([[A]] * 50)

    def tell_until_missed(found):
        if 14 in detector.sure:
            return told([], [])
        return told(found.faces.boxes_xyxy, found.faces.track_ids)

    run(detector, frames=50, tell=tell_until_missed)
    assert detector.sure == {
        **dict.fromkeys((0, 7, 14), 0),  # told of: not looked at before
        21: 0,  # looked at, but no search has shown it since
        **dict.fromkeys((28, 35, 42, 49), 1),
    }


def test_a_face_that_is_held_is_looked_for_though_told_of():
    class Shut(Watched):
        """Nothing finds the face from a search on, for some frames."""

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


def test_two_faces_told_to_one_place_are_one_and_the_other_is_gone():
    def both_to_the_first(found):
        return told([A] * len(found.faces), found.faces.track_ids)

    found = run(Watched([[A, B]] * 5 + [[A]] * 30), frames=35, tell=both_to_the_first)
    assert ids(found)[-1] == [1]


def test_the_score_of_a_face_told_of_is_that_of_the_last_search():
    scores = [[0.9]] * 7 + [[0.6]] * 7 + [[0.8]] * 10
    found = run(Watched([[A]] * 24, scores=scores), frames=24)
    said = [round(float(f.faces.scores[0]), 3) for f in found[2:]]
    assert said == [0.9] * 5 + [0.6] * 7 + [0.8] * 10


def test_images_that_are_no_sequence_are_searched_whatever_is_told():
    detector = Watched([[A]] * 3)
    run(detector, frames=3, policy=SearchPolicy.for_images(), tracker=Untracked())
    assert (detector.whole, detector.near) == ([0, 1, 2], [])
