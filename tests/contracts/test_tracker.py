"""Every tracker keeps the promises of `rtau.protocols.Tracker`."""

import numpy as np
import pytest

from rtau import columns
from rtau.data import Faces
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.recorded import ListedFaces, RecordedFaces
from rtau.faces.seated_tracker import SeatedTracker
from rtau.faces.tracking_policy import TrackingPolicy
from rtau.protocols import Tracker
from rtau.seats import Seat
from rtau.squares import Square
from tests.support.face_world import FaceWorld, WorldAligner, WorldDetector

ANN = Square(200.0, 180.0, 80.0, 0.0)
BOB = Square(440.0, 180.0, 80.0, 0.0)
BOXES = ((160.0, 140.0, 240.0, 220.0), (400.0, 140.0, 480.0, 220.0))
FRAMES = 12


def world():
    return FaceWorld(
        {"ann": lambda index: ANN, "bob": lambda index: BOB if index % 6 < 4 else None}
    )


def followed(_):
    seen = world()
    return FaceTracker(WorldDetector(seen), WorldAligner(seen), TrackingPolicy())


def listed(_):
    faces = Faces(
        boxes_xyxy=np.array(BOXES, np.float32),
        scores=np.ones(2, np.float32),
        track_ids=np.array([1, 2], np.int64),
    )
    return ListedFaces([faces] * FRAMES)


def recorded(tmp_path):
    path = tmp_path / "faces.csv"
    lines = [",".join((columns.FRAME, columns.FACE_ID, *columns.BOX))]
    for index in range(FRAMES):
        for face_id, (x0, y0, x1, y1) in enumerate(BOXES, start=1):
            lines.append(f"{index + 1},{face_id},{x0},{y0},{x1 - x0},{y1 - y0}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return RecordedFaces(path)


def seated(tmp_path):
    return SeatedTracker(followed(tmp_path), [Seat("left", 0, 0, 0.5, 1)])


MAKERS = {
    "FaceTracker": followed,
    "ListedFaces": listed,
    "RecordedFaces": recorded,
    "SeatedTracker": seated,
}


@pytest.fixture(params=MAKERS)
def tracker(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def test_it_is_a_tracker(tracker):
    assert isinstance(tracker, Tracker)


def test_every_face_has_a_place_a_presence_and_an_id_of_its_own(tracker):
    for index in range(FRAMES):
        found = tracker.track(world().frame(index))
        faces = found.faces
        assert len(faces) >= 1
        assert len(set(faces.track_ids.tolist())) == len(faces)
        assert (faces.track_ids >= 1).all()
        assert ((faces.scores >= 0) & (faces.scores <= 1)).all()
        assert found.tentative_xyxy.shape[1:] == (4,)


def test_a_face_that_stays_keeps_its_id(tracker):
    ids = [set(tracker.track(world().frame(index)).faces.track_ids.tolist()) for index in range(6)]
    assert 1 in set.intersection(*ids)


def test_a_reset_is_survived(tracker):
    tracker.track(world().frame(0))
    tracker.reset()
    assert len(tracker.track(world().frame(1)).faces) >= 1
