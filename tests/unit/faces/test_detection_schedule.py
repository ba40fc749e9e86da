"""Only what has changed is searched, the whole frame now and then, windows in turn."""

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
        for search in schedule.requests(one, tracks):
            if search.windows is None:
                by_detector, searched = search, index
            else:
                assert search.regions_xyxy is by_detector.regions_xyxy
                found[searched] = search
    return found


@pytest.mark.parametrize(("known", "whole"), [([], [0, 49, 98, 147]), ([ANN], [0, 147])])
def test_a_still_picture_is_searched_whole_now_and_then_and_nowhere_between(known, whole):
    found = searches(lambda index: [ANN], known=lambda index: known, frames=160)
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


def test_all_windows_are_looked_at_first_and_while_nobody_is_known_and_some_in_turn_otherwise():
    nobody = searches(lambda index: [], known=lambda index: [])
    assert [search.windows for search in nobody.values()] == 3 * [slice(None)]
    somebody = searches(lambda index: [ANN, BOB._replace(x=BOB.x + 8 * (index % 9))], frames=100)
    windows = [search.windows for search in somebody.values()]
    assert windows[:6] == [
        slice(None),
        *(slice(first, None, 4) for first in (1, 2, 3, 0, 1)),
    ]


def test_while_all_faces_are_seen_windows_are_looked_at_a_frame_after_the_detector():
    schedule = DetectionSchedule(TrackingPolicy())
    list(schedule.requests(frame(0, [ANN]), []))
    found = [
        list(schedule.requests(frame(index, [ANN, BOB]), [track(ANN, time_s=index / 25)]))
        for index in range(1, 12)
    ]
    searched = [index for index, some in enumerate(found, 1) if some]
    assert len(searched) == 2
    assert searched[1] == searched[0] + 1
    (by_detector,), (by_windows,) = (found[index - 1] for index in searched)
    assert by_detector.windows is None
    assert by_windows.windows == slice(1, None, 4)
    assert by_windows.regions_xyxy is by_detector.regions_xyxy


def test_a_new_sequence_looks_at_no_windows_of_the_one_before():
    schedule = DetectionSchedule(TrackingPolicy())
    list(schedule.requests(frame(0, [ANN]), [track(ANN, time_s=0)]))
    schedule.reset()
    assert len(list(schedule.requests(frame(0, [BOB]), []))) == 2


def test_a_missed_face_starts_a_search_around_it_at_once():
    schedule = DetectionSchedule(TrackingPolicy())
    list(schedule.requests(frame(0, [ANN, BOB]), []))
    ann, bob = track(ANN, time_s=0.12), track(BOB, time_s=0.08)
    search, windows = schedule.requests(frame(3, [ANN, BOB]), [ann, bob])
    assert windows.regions_xyxy is search.regions_xyxy
    (region,) = search.regions_xyxy.tolist()
    assert region[0] <= BOB.x - BOB.side / 2
    assert region[2] >= BOB.x + BOB.side / 2


def test_a_lost_face_is_searched_ten_times_a_second():
    schedule, lost = DetectionSchedule(TrackingPolicy()), track(BOB, time_s=0)
    lost.lose()
    list(schedule.requests(frame(0, [ANN]), []))
    found = {
        index: list(schedule.requests(frame(index, [ANN]), [track(ANN, time_s=index / 25), lost]))
        for index in range(1, 10)
    }
    searched = {index: some for index, some in found.items() if some}
    assert list(searched) == [3, 6, 9]


def test_images_that_are_no_sequence_are_searched_whole_and_by_all_windows_every_time():
    found = searches(lambda index: [ANN], frames=5, policy=TrackingPolicy.for_images())
    assert list(found) == [0, 1, 2, 3, 4]
    assert all(s.windows == slice(None) and s.regions_xyxy is None for s in found.values())


def test_every_frame_is_searched_whole_where_no_interval_is_set():
    found = searches(lambda index: [ANN], frames=5, policy=TrackingPolicy(detect_every_s=0))
    assert all(found[index].regions_xyxy is None for index in range(5))
