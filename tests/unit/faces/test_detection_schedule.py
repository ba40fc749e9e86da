"""Only what has changed is searched, the whole frame now and then, turned copies where it pays."""

import dataclasses

import numpy as np
import pytest

from rtau.data import Frame
from rtau.faces.detection_schedule import DetectionSchedule
from rtau.faces.track import Track
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.squares import Square

ANN, BOB = Square(150.0, 150.0, 100.0, 0.0), Square(400.0, 170.0, 100.0, 0.0)


def frame(index, squares=(), *, fps=25.0):
    """Returns a frame in which every square is a bright patch."""
    picture = np.full((400, 600, 3), 60, np.uint8)
    for x, y, side, _ in squares:
        half = side / 2
        picture[int(y - half) : int(y + half), int(x - half) : int(x + half)] = 180
    return Frame(index=index, time_s=index / fps, picture=picture)


def track(square, *, time_s):
    return Track(square, presence=0.9, appearance=np.ones(4, np.float32), time_s=time_s)


def searches(shown, *, known=lambda index: [ANN], frames=120, fps=25.0, policy=None):
    """Returns the searches of a run by frame; `known` gives the squares verified in a frame."""
    schedule = DetectionSchedule(policy or TrackingPolicy())
    found = {}
    for index in range(frames):
        one = frame(index, shown(index), fps=fps)
        tracks = [track(square, time_s=one.time_s) for square in known(index)]
        some = list(schedule.requests(one, tracks))
        if some:
            assert some[0].turns_deg == (0.0,), "upright first: what that finds need not be turned"
            turns = tuple(turn for search in some for turn in search.turns_deg)
            found[index] = dataclasses.replace(some[0], turns_deg=turns)
    return found


@pytest.mark.parametrize(("known", "whole"), [([], [0, 49, 98]), ([ANN], [0, 98])])
def test_a_still_picture_is_searched_whole_now_and_then_and_nowhere_between(known, whole):
    found = searches(lambda index: [ANN], known=lambda index: known)
    assert list(found) == whole
    assert all(search.regions_xyxy is None for search in found.values())


def test_what_a_known_face_does_is_not_searched():
    def moving(index):
        return [ANN._replace(x=ANN.x + 6 * np.sin(index / 5))]

    assert list(searches(moving, known=moving, frames=45)) == [0]


@pytest.mark.parametrize("fps", [5, 12.5, 25, 30, 60])
@pytest.mark.parametrize("start", [11, 14, 17])
def test_where_the_picture_changes_is_searched_within_a_third_of_a_second(start, fps):
    found = searches(lambda k: [ANN, BOB] if k >= start else [ANN], frames=start + 30, fps=fps)
    first = min(index for index in found if index >= start)
    assert (first - start) / fps <= 0.3 + 0.5 / fps
    regions = found[first].regions_xyxy
    if regions is not None:
        half = BOB.side / 2
        assert (regions[:, :2] <= np.array([BOB.x - half, BOB.y - half])).all()
        assert (regions[:, 2:] >= np.array([BOB.x + half, BOB.y + half])).all()


def test_all_turns_are_searched_first_then_some_where_nobody_is_known_and_seldom_otherwise():
    nobody = searches(lambda index: [], known=lambda index: [])
    assert [search.turns_deg for search in nobody.values()] == [
        (0.0, 20.0, -20.0, 40.0, -40.0),
        (0.0, 40.0, -40.0),
        (0.0, 20.0, -20.0),
    ]
    somebody = searches(lambda index: [ANN, BOB._replace(x=BOB.x + 8 * (index % 9))], frames=100)
    turns = [search.turns_deg for search in somebody.values()]
    assert len(turns) > 9
    assert turns[1:7] == [(0.0,), (0.0, -20.0), (0.0,), (0.0, 40.0), (0.0,), (0.0, -40.0)]


def test_a_missed_face_starts_a_search_around_it_at_once():
    schedule = DetectionSchedule(TrackingPolicy())
    list(schedule.requests(frame(0, [ANN, BOB]), []))
    ann, bob = track(ANN, time_s=0.12), track(BOB, time_s=0.08)
    (search,) = schedule.requests(frame(3, [ANN, BOB]), [ann, bob])
    (region,) = search.regions_xyxy.tolist()
    assert region[0] <= BOB.x - BOB.side / 2
    assert region[2] >= BOB.x + BOB.side / 2


def test_a_lost_face_is_searched_ten_times_a_second_at_its_own_tilt():
    schedule, lost = DetectionSchedule(TrackingPolicy()), track(BOB._replace(roll=-0.6), time_s=0)
    lost.lose()
    list(schedule.requests(frame(0, [ANN]), []))
    found = {
        index: list(schedule.requests(frame(index, [ANN]), [track(ANN, time_s=index / 25), lost]))
        for index in range(1, 10)
    }
    searched = {index: some for index, some in found.items() if some}
    assert list(searched) == [3, 6, 9]
    assert all(-40.0 in some[-1].turns_deg for some in searched.values())


def test_images_that_are_no_sequence_are_searched_whole_and_turned_every_time():
    found = searches(lambda index: [ANN], frames=5, policy=TrackingPolicy.for_images())
    assert list(found) == [0, 1, 2, 3, 4]
    assert all(len(s.turns_deg) == 5 and s.regions_xyxy is None for s in found.values())


def test_every_frame_is_searched_whole_where_no_interval_is_set():
    found = searches(lambda index: [ANN], frames=5, policy=TrackingPolicy(detect_every_s=0))
    assert all(found[index].regions_xyxy is None for index in range(5))
