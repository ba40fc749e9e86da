"""Proposals become tracks, tracks are verified in every frame, and what is lost is not reported."""

import dataclasses
import math

import numpy as np
import pytest

from rtau.data import Faces
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.squares import Square
from tests.support.face_world import FaceWorld, WorldAligner, WorldDetector

ANN = Square(200.0, 180.0, 80.0, 0.0)
BOB = Square(440.0, 180.0, 80.0, 0.3)


def still(square):
    return lambda index: square


def tracker_of(world, policy=None):
    return FaceTracker(WorldDetector(world), WorldAligner(world), policy or TrackingPolicy())


def run(world, frames, *, policy=None, fps=25.0):
    tracker = tracker_of(world, policy)
    return [tracker.track(world.frame(index, fps=fps)).faces for index in range(frames)]


def ids(faces):
    return faces.track_ids.tolist()


def test_a_face_of_the_first_frame_is_reported_there_with_its_tilt():
    faces = run(FaceWorld({"bob": still(BOB)}), 1)[0]
    assert ids(faces) == [1]
    assert faces.rolls_rad.tolist() == pytest.approx([0.3])
    assert faces.scores.tolist() == pytest.approx([0.98])


def test_what_the_aligner_refuses_is_never_reported():
    world = FaceWorld({"ann": still(ANN)}, clutter=[BOB, BOB._replace(y=60.0)])
    assert all(ids(faces) == [1] for faces in run(world, 60))


class OneSidedAligner(WorldAligner):
    """Sees a face in a crop and none in its mirror image."""

    def align(self, frame, squares, /, *, with_mirrored=False):
        found = super().align(frame, squares)
        return dataclasses.replace(found, presence=found.presence * (0.3 if with_mirrored else 1))


class CoveringAligner(WorldAligner):
    """Sees Ann covered from frame 10 to 19."""

    def align(self, frame, squares, /, *, with_mirrored=False):
        found = super().align(frame, squares)
        is_ann = [square.distance(ANN) < 0.5 for square in found.squares.rows()]
        covered = np.array(is_ann, np.bool_) & (10 <= frame.index < 20)
        return dataclasses.replace(found, covered=covered)


def test_each_face_says_in_each_frame_whether_it_is_covered():
    world = FaceWorld({"ann": still(ANN), "bob": still(BOB)})
    tracker = FaceTracker(WorldDetector(world), CoveringAligner(world), TrackingPolicy())
    found = [tracker.track(world.frame(index)).faces for index in range(30)]
    ann = int(found[0].boxes_xyxy[0, 0] > found[0].boxes_xyxy[1, 0])
    assert [bool(faces.covered[ann]) for faces in found] == [10 <= k < 20 for k in range(30)]
    assert not any(faces.covered[1 - ann] for faces in found)


def test_an_aligner_that_does_not_tell_covers_leaves_them_open():
    assert all(faces.covered is None for faces in run(FaceWorld({"ann": still(ANN)}), 5))


def test_what_looks_like_a_face_from_one_side_only_is_never_reported():
    world = FaceWorld({"cloth": still(ANN)})
    tracker = FaceTracker(WorldDetector(world), OneSidedAligner(world), TrackingPolicy())
    assert not any(len(tracker.track(world.frame(index)).faces) for index in range(20))


def test_what_seldom_looks_like_a_face_is_lost():
    world = FaceWorld({"cloth": still(ANN)})
    tracker = tracker_of(world)
    found = []
    for index in range(20):
        world.presence = 0.98 if index == 0 else 0.6 if index % 5 == 0 else 0.15
        found.append(len(tracker.track(world.frame(index)).faces))
    assert found[:3] == [1, 1, 1]
    assert not any(found[8:])


def test_an_uncertain_face_of_the_very_first_frame_waits_for_the_second():
    found = run(FaceWorld({"ann": still(ANN)}, presence=0.6), 3)
    assert [len(faces) for faces in found] == [0, 1, 1]


def test_an_uncertain_face_waits_for_its_second_frame_and_is_hidden_meanwhile():
    world = FaceWorld({"ann": lambda index: ANN if index >= 3 else None}, presence=0.6)
    tracker = tracker_of(world, TrackingPolicy(detect_every_s=0))
    found = [tracker.track(world.frame(index)) for index in range(6)]
    assert [len(one.faces) for one in found] == [0, 0, 0, 0, 1, 1]
    assert len(found[3].tentative_xyxy)


def test_a_face_that_leaves_is_reported_in_no_frame_that_does_not_show_it():
    world = FaceWorld({"ann": lambda index: ANN if index < 10 else None})
    found = run(world, 30)
    assert [len(faces) for faces in found] == [1] * 10 + [0] * 20


@pytest.mark.parametrize("gap", [3, 20, 60])
def test_a_face_that_comes_back_within_five_seconds_keeps_its_id(gap):
    world = FaceWorld({"ann": lambda index: None if 10 <= index < 10 + gap else ANN})
    found = run(world, 40 + gap)
    assert {k for faces in found for k in ids(faces)} == {1}
    assert len(found[-1]) == 1


def test_another_face_in_the_same_place_has_another_id():
    world = FaceWorld(
        {
            "ann": lambda index: ANN if index < 10 else None,
            "bob": lambda index: ANN._replace(roll=0.1) if index >= 30 else None,
        }
    )
    assert {k for faces in run(world, 60) for k in ids(faces)} == {1, 2}


def crossing(index):
    """Ann walks to the right behind Bob, who walks to the left; 3 s, hidden while they overlap."""
    x = 150.0 + 4 * index
    bob_x = 450.0 - 4 * index
    return None if abs(x - bob_x) < 60 else Square(x, 180.0, 80.0, 0.0)


def test_two_people_who_cross_keep_their_ids():
    world = FaceWorld(
        {"ann": crossing, "bob": lambda index: Square(450.0 - 4 * index, 180.0, 80.0, 0.0)}
    )
    found = run(world, 75)
    first, last = found[5], found[-1]
    assert len(first) == len(last) == 2
    before = dict(zip(ids(first), first.boxes_xyxy[:, 0].tolist(), strict=True))
    after = dict(zip(ids(last), last.boxes_xyxy[:, 0].tolist(), strict=True))
    assert before.keys() == after.keys() == {1, 2}
    assert (before[1] < before[2]) != (after[1] < after[2])


def test_a_face_that_comes_in_front_of_another_does_not_take_over_its_id():
    def in_front(index):
        return ANN._replace(x=ANN.x + 30) if index >= 10 else None

    world = FaceWorld({"ann": lambda index: ANN if index < 10 else None, "bob": in_front})
    found = run(world, 20)
    assert ids(found[9]) == [1]
    assert ids(found[-1]) == [2]


def test_whoever_is_covered_while_walking_is_seen_in_the_first_frame_that_shows_them():
    def walking(index):
        return None if 20 <= index < 34 else Square(100.0 + 6 * index, 180.0, 70.0, 0.0)

    found = run(FaceWorld({"ann": walking}), 45, policy=TrackingPolicy(detect_every_s=5.0))
    assert [ids(faces) for faces in found[34:]] == [[1]] * 11


class FirstFrameDetector(WorldDetector):
    def detect(self, frame, /, **how):
        boxes = super().detect(frame, **how).boxes_xyxy
        return Faces(boxes_xyxy=boxes if frame.index == 0 else boxes[:0])


def test_a_square_that_shrinks_within_half_a_second_has_slipped_off_its_face():
    def slipping(index):
        return ANN._replace(side=ANN.side * 0.9 ** max(index - 10, 0))

    world = FaceWorld({"ann": slipping})
    tracker = FaceTracker(FirstFrameDetector(world), WorldAligner(world), TrackingPolicy())
    found = [tracker.track(world.frame(index)).faces for index in range(30)]
    assert [len(faces) for faces in found[:11]] == [1] * 11
    assert not any(len(faces) for faces in found[25:])


@pytest.mark.parametrize("fps", [0.5, 1, 2, 5, 10, 15, 25, 60])
def test_a_new_face_is_reported_within_half_a_second_or_in_its_first_frame(fps):
    start = max(1, round(2 * fps))
    world = FaceWorld({"ann": lambda index: ANN if index >= start else None}, presence=0.6)
    found = run(world, start + max(2, math.ceil(0.5 * fps) + 1), fps=fps)
    first = next(k for k, faces in enumerate(found) if len(faces))
    assert (first - start) / fps <= 0.5


def test_images_that_are_no_sequence_share_no_face():
    found = run(FaceWorld({"ann": still(ANN)}), 3, policy=TrackingPolicy.for_images())
    assert [ids(faces) for faces in found] == [[1], [2], [3]]


class ShortSightedDetector(WorldDetector):
    """Proposes only faces of 64 px and more, and of half that after every halving."""

    def __init__(self, world):
        super().__init__(world)
        self.halvings = []

    def detect(self, frame, /, *, halvings=0, **how):
        self.halvings.append(halvings)
        boxes = super().detect(frame, **how).boxes_xyxy
        return Faces(boxes_xyxy=boxes[boxes[:, 2] - boxes[:, 0] >= 64 / 2**halvings])


@pytest.mark.parametrize(
    ("sides", "halvings", "searched"),
    [
        ((80, 80), 2, [0, 1]),
        ((80, 40), 2, [0, 1, 2]),
        ((40, 20), 2, [0, 1, 2]),
        ((20, 20), 2, [0, 1, 2]),
        ((20, 20), 0, [0]),
    ],
)
def test_an_image_is_searched_for_smaller_faces_while_these_turn_up(sides, halvings, searched):
    world = FaceWorld(
        {
            f"face {k}": still(Square(150.0 + 200 * k, 180.0, side, 0))
            for k, side in enumerate(sides)
        }
    )
    detector = ShortSightedDetector(world)
    policy = TrackingPolicy.for_images(halvings=halvings)
    faces = FaceTracker(detector, WorldAligner(world), policy).track(world.frame(0)).faces

    assert len(faces) == sum(side >= 64 / 2**halvings for side in sides)
    assert list(dict.fromkeys(detector.halvings)) == searched


@pytest.mark.parametrize(
    ("side", "presence", "min_presence", "found"),
    [
        (80, 0.6, 0.5, 1),
        (40, 0.6, 0.5, 0),
        (40, 0.75, 0.5, 1),
        (40, 0.6, 0.2, 1),
        (40, 0.9, 0.9, 0),
    ],
)
def test_a_face_that_only_a_search_for_smaller_ones_finds_must_be_surer(
    side, presence, min_presence, found
):
    world = FaceWorld({"ann": still(Square(150.0, 180.0, side, 0.0))}, presence=presence)
    policy = TrackingPolicy.for_images(halvings=1, min_presence=min_presence)
    tracker = FaceTracker(ShortSightedDetector(world), WorldAligner(world), policy)
    assert len(tracker.track(world.frame(0)).faces) == found


class KnownDetector(WorldDetector):
    """Keeps which faces it was told are known."""

    def __init__(self, world):
        super().__init__(world)
        self.known = []

    def detect(self, frame, /, *, known_xyxy=None, **how):
        self.known.append(0 if known_xyxy is None else len(known_xyxy))
        return super().detect(frame, **how)


@pytest.mark.parametrize(
    ("presence", "blanks_known", "known"),
    [(0.99, True, [0, 1]), (0.99, False, [0, 0]), (0.3, True, [0, 0])],
    ids=["a sure face", "all are to be hidden", "a doubtful face"],
)
def test_the_detector_is_told_of_faces_that_are_sure(presence, blanks_known, known):
    world = FaceWorld({"ann": still(ANN)}, presence=presence)
    detector = KnownDetector(world)
    policy = TrackingPolicy(detect_every_s=0, min_presence=0.5, blanks_known=blanks_known)
    tracker = FaceTracker(detector, WorldAligner(world), policy)
    for index in range(2):
        tracker.track(world.frame(index))
    assert detector.known == known


def test_a_face_inside_a_face_is_none():
    inner = ANN._replace(side=30.0, x=ANN.x + 10)
    found = run(FaceWorld({"ann": still(ANN), "earring": still(inner)}), 10)
    assert all(len(faces) == 1 for faces in found)
    assert all(faces.boxes_xyxy[0, 2] - faces.boxes_xyxy[0, 0] > 60 for faces in found)


def test_a_moving_face_is_followed_between_searches():
    def circling(index):
        angle = 2 * math.pi * index / 50
        return Square(320 + 100 * math.cos(angle), 180 + 80 * math.sin(angle), 70.0, 0.0)

    found = run(FaceWorld({"ann": circling}), 100)
    assert {k for faces in found for k in ids(faces)} == {1}
    assert all(len(faces) == 1 for faces in found)
    for index, faces in enumerate(found):
        centre = (faces.boxes_xyxy[0, :2] + faces.boxes_xyxy[0, 2:]) / 2
        assert np.abs(centre - circling(index)[:2]).max() < 0.1 * 70


def test_after_a_reset_ids_go_on_counting():
    world = FaceWorld({"ann": still(ANN)})
    tracker = tracker_of(world)
    assert ids(tracker.track(world.frame(0)).faces) == [1]
    tracker.reset()
    assert ids(tracker.track(world.frame(1)).faces) == [2]


class ShyWorld(WorldDetector, WorldAligner):
    """Bob is never proposed, and hardly looks like a face before frame 5. Both protocols."""

    def smallest_px(self, frame, /):
        return 40.0

    def detect(self, frame, /, **how):
        found = super().detect(frame, **how)
        return dataclasses.replace(found, boxes_xyxy=found.boxes_xyxy[found.boxes_xyxy[:, 0] < 320])

    def align(self, frame, squares, /, *, with_mirrored=False):
        found = super().align(frame, squares, with_mirrored=with_mirrored)
        is_early_bob = (found.squares.centres_xy[:, 0] > 320) & (frame.index < 5)
        return dataclasses.replace(
            found, presence=np.where(is_early_bob, 0.6 * found.presence, found.presence)
        )


def test_a_place_that_was_nearly_believed_is_looked_at_again_in_the_next_search():
    world = FaceWorld({"ann": still(ANN), "bob": lambda index: BOB._replace(x=BOB.x + index % 9)})
    shy = ShyWorld(world)
    # Of the windows hardly any is looked at again within a second.
    tracker = FaceTracker(shy, shy, TrackingPolicy(windows_in_turn=10_000))
    found = [ids(tracker.track(world.frame(index)).faces) for index in range(25)]
    assert found[4] == [1]
    assert found[12] == [1, 2]
