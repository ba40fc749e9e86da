"""Every detector keeps the promises of `rtau.protocols.Detector`."""

import numpy as np
import pytest
import skimage.data

from rtau import geometry
from rtau.data import Frame
from rtau.faces.detectors.haar import HaarDetector
from rtau.protocols import Detector
from rtau.squares import Square
from tests.support.doubles import FixedDetector
from tests.support.face_world import FaceWorld, WorldDetector

# Where the face of the portrait is, and one box where none is.
FACE = (170.0, 65.0, 275.0, 170.0)
WALL = (400.0, 20.0, 500.0, 120.0)


@pytest.fixture(scope="module")
def portrait():
    image_bgr = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    return Frame(index=0, time_s=0.0, picture=image_bgr)


def world():
    return FaceWorld({"ann": lambda _: Square(222.0, 117.0, 105.0, 0.0)})


MAKERS = {
    "HaarDetector": HaarDetector,
    "WorldDetector": lambda: WorldDetector(world()),
    "FixedDetector": lambda: FixedDetector([FACE]),
}


@pytest.fixture(params=MAKERS)
def detector(request):
    return MAKERS[request.param]()


def regions(*boxes):
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_it_is_a_detector(detector):
    assert isinstance(detector, Detector)


def test_proposals_lie_in_the_frame_without_scores_and_ids(detector, portrait):
    faces = detector.detect(portrait)
    assert len(faces) >= 1
    assert faces.scores is None
    assert faces.track_ids is None
    inside = geometry.clip(faces.boxes_xyxy, width=portrait.width, height=portrait.height)
    np.testing.assert_array_equal(inside, faces.boxes_xyxy)
    assert (geometry.areas(faces.boxes_xyxy) > 0).all()


def test_a_region_with_the_face_proposes_it_and_none_proposes_nothing(detector, portrait):
    found = detector.detect(portrait, regions_xyxy=regions(FACE))
    assert geometry.iou(found.boxes_xyxy, regions(FACE)).max() > 0.4
    assert len(detector.detect(portrait, regions_xyxy=regions())) == 0


def test_a_region_without_the_face_does_not_propose_it(detector, portrait):
    found = detector.detect(portrait, regions_xyxy=regions(WALL))
    assert geometry.iou(found.boxes_xyxy, regions(FACE)).max(initial=0) == 0


def test_other_faces_are_proposed_whichever_are_known(detector, portrait):
    before = detector.detect(portrait, known_xyxy=regions())
    np.testing.assert_array_equal(before.boxes_xyxy, detector.detect(portrait).boxes_xyxy)
    found = detector.detect(portrait, known_xyxy=regions(WALL))
    assert geometry.iou(found.boxes_xyxy, regions(FACE)).max() > 0.4


def test_halvings_propose_no_fewer_faces_in_the_frame(detector, portrait):
    small = Frame(
        index=0, time_s=0.0, picture=np.pad(portrait.image_bgr, ((900, 900), (900, 900), (0, 0)))
    )
    found = [len(detector.detect(small, halvings=count)) for count in (0, 1, 2)]
    assert found == sorted(found)
    for count in (1, 2, 9):
        boxes = detector.detect(small, halvings=count).boxes_xyxy
        inside = geometry.clip(boxes, width=small.width, height=small.height)
        np.testing.assert_array_equal(inside, boxes)


def test_the_same_frame_gives_the_same_proposals(detector, portrait):
    first, second = (detector.detect(portrait) for _ in range(2))
    np.testing.assert_array_equal(first.boxes_xyxy, second.boxes_xyxy)
    assert detector.smallest_px(portrait) == detector.smallest_px(portrait) > 0
