"""Every detector keeps the promises of `rtau.protocols.Detector`."""

import csv

import numpy as np
import pytest
import skimage.data

from rtau import columns, geometry
from rtau.data import Faces, Frame
from rtau.faces.detectors.haar import HaarDetector
from rtau.faces.detectors.recorded import ListDetector, RecordedDetector
from rtau.protocols import Detector
from tests.support.doubles import FixedDetector

# Where the face of the portrait is, and one box where none is.
FACE = (170.0, 65.0, 275.0, 170.0)
WALL = (400.0, 20.0, 500.0, 120.0)


@pytest.fixture(scope="module")
def portrait():
    image_bgr = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    return Frame(index=0, time_s=0.0, picture=image_bgr)


def recorded(tmp_path):
    path = tmp_path / "faces.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow((columns.FRAME, *columns.BOX))
        x0, y0, x1, y1 = FACE
        table.writerow((1, x0, y0, x1 - x0, y1 - y0))
    return RecordedDetector(path)


MAKERS = {
    "HaarDetector": lambda _: HaarDetector(),
    "RecordedDetector": recorded,
    "ListDetector": lambda _: ListDetector([[FACE]]),
    "FixedDetector": lambda _: FixedDetector([FACE]),
}


@pytest.fixture(params=MAKERS)
def detector(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def near(*boxes):
    return Faces(boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4))


def test_it_is_a_detector(detector):
    assert isinstance(detector, Detector)


def test_boxes_lie_in_the_frame_with_scores_and_without_ids(detector, portrait):
    faces = detector.detect(portrait)
    assert len(faces) >= 1
    assert faces.track_ids is None
    assert faces.boxes_xyxy.min() >= 0
    assert faces.boxes_xyxy[:, 2].max() <= portrait.width
    assert faces.boxes_xyxy[:, 3].max() <= portrait.height
    assert ((faces.scores >= 0) & (faces.scores <= 1)).all()


@pytest.mark.parametrize("around", [None, near(FACE), near(FACE, WALL)])
def test_the_same_question_has_the_same_answer(detector, portrait, around):
    first, second = (detector.detect(portrait, near=around) for _ in range(2))
    np.testing.assert_array_equal(first.boxes_xyxy, second.boxes_xyxy)
    np.testing.assert_array_equal(first.scores, second.scores)


def test_nothing_near_means_nobody(portrait, tmp_path):
    for name in ("HaarDetector", "RecordedDetector", "ListDetector"):
        detector = MAKERS[name](tmp_path)
        assert len(detector.detect(portrait, near=near())) == 0
        assert len(detector.detect(portrait, near=near(WALL))) == 0


def test_two_that_fall_on_one_face_are_one(portrait, tmp_path):
    moved = tuple(value + 6 for value in FACE)
    for make in MAKERS.values():
        assert len(make(tmp_path).detect(portrait, near=near(FACE, moved))) == 1


def test_within_parts_is_where_faces_are_searched(detector, portrait):
    parts = np.array([[0, 0, portrait.width, 300], WALL], np.float32)
    whole, found = detector.detect(portrait), detector.detect(portrait, within=parts)

    assert len(found) >= 1
    assert geometry.iou(np.array([FACE], np.float32), found.boxes_xyxy).max() > 0.5
    assert len(found) <= len(whole)


def test_where_no_part_is_nobody_is_found(portrait, tmp_path):
    for name in ("HaarDetector", "RecordedDetector", "ListDetector"):
        detector = MAKERS[name](tmp_path)
        for parts in (np.zeros((0, 4), np.float32), np.array([WALL], np.float32)):
            assert len(detector.detect(portrait, within=parts)) == 0


def test_faces_seen_already_hide_nobody_else_and_are_made_up_by_nobody(detector, portrait):
    seen = Faces(boxes_xyxy=np.array([FACE, WALL], np.float32), scores=np.full(2, 0.4, np.float32))
    found, plain = detector.detect(portrait, seen=seen), detector.detect(portrait)

    shown = np.concatenate([found.boxes_xyxy, seen.boxes_xyxy])
    assert (geometry.iou(plain.boxes_xyxy, shown).max(axis=1) > 0.5).all()
    assert (geometry.iou(found.boxes_xyxy, plain.boxes_xyxy).max(axis=1, initial=1) > 0.5).all()
    again = detector.detect(portrait, seen=seen)
    np.testing.assert_array_equal(found.boxes_xyxy, again.boxes_xyxy)
    np.testing.assert_array_equal(found.scores, again.scores)
