"""The Haar detector on a photograph, upright and tilted, and on frames without a face."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from rtau import geometry
from rtau.data import Frame
from rtau.errors import DetectorError
from rtau.faces.detectors import haar
from rtau.faces.detectors.haar import LEAST_PX, HaarDetector

# The face of the portrait, by hand: brows to chin, ear to ear.
FACE_CENTRE = (222, 118)
FACE_SIDE = 105


@pytest.fixture(scope="module")
def detector():
    return HaarDetector()


@pytest.fixture(scope="module")
def portrait_bgr():
    return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])


def frame_of(image_bgr, index=0):
    return Frame(index=index, time_s=index / 25, picture=image_bgr)


def on_face(faces, *, scale=1.0):
    """Returns bool (N,): boxes that a few alignments bring onto the portrait's face."""
    boxes = faces.boxes_xyxy / scale
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2] - boxes[:, 0]
    near = np.abs(centres - FACE_CENTRE).max(axis=1, initial=0) < 0.15 * FACE_SIDE
    return near & (np.abs(np.log(sides / FACE_SIDE)) < np.log(1.3))


def test_the_face_of_a_portrait_is_proposed_among_few(detector, portrait_bgr):
    faces = detector.detect(frame_of(portrait_bgr))
    assert on_face(faces).any()
    assert len(faces) < 30


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0])
def test_size_of_the_picture_is_without_effect(detector, portrait_bgr, scale):
    image = cv2.resize(portrait_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert on_face(detector.detect(frame_of(image)), scale=scale).any()


@pytest.mark.parametrize(("gain", "gamma"), [(0.3, 1.0), (1.0, 2.5), (0.5, 1.8)])
def test_a_dark_picture_is_searched_as_well(detector, portrait_bgr, gain, gamma):
    dark = ((portrait_bgr / 255.0) ** gamma * gain * 255).astype(np.uint8)
    assert on_face(detector.detect(frame_of(dark))).any()


def test_a_known_face_is_not_proposed_again_and_its_neighbour_is(detector, portrait_bgr):
    both = frame_of(np.hstack([portrait_bgr, portrait_bgr]))
    found = detector.detect(both).boxes_xyxy
    left = found[:, 2] < portrait_bgr.shape[1]
    assert left.any()
    assert not left.all()

    others = detector.detect(both, known_xyxy=found[left]).boxes_xyxy

    assert geometry.iou(others, found[left]).max(initial=0) < geometry.SAME_FACE_IOU
    assert (geometry.iou(others, found[~left]).max(axis=0) > 0.8).all()


def test_threads_of_opencv_do_not_change_an_answer(detector, portrait_bgr):
    answers, threads = [], cv2.getNumThreads()
    try:
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            found = detector.detect(frame_of(portrait_bgr))
            answers.append(found.boxes_xyxy.tobytes())
    finally:
        cv2.setNumThreads(threads)
    assert len(set(answers)) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (23, 23), (24, 24), (37, 641)])
def test_frames_too_small_for_a_face_have_none(detector, size):
    faces = detector.detect(frame_of(np.full((*size, 3), 90, np.uint8)))
    assert len(faces) == 0


def test_a_face_at_the_edge_has_its_box_inside_the_frame(detector, portrait_bgr):
    x0, y0 = FACE_CENTRE[0] - FACE_SIDE // 2, FACE_CENTRE[1] - FACE_SIDE // 2
    cut = np.ascontiguousarray(portrait_bgr[y0 : y0 + 200, x0 : x0 + 200])
    faces = detector.detect(frame_of(cut))
    assert len(faces) >= 1
    assert faces.boxes_xyxy.min() >= 0


def test_the_smallest_face_is_px_a_share_or_a_twelfth_of_the_shorter_side():
    upright = frame_of(np.zeros((1920, 1080, 3), np.uint8))
    assert [HaarDetector().smallest_px(upright, halvings=k) for k in range(4)] == [90, 45, 24, 24]
    assert HaarDetector(min_face_share=0.1).smallest_px(upright, halvings=0) == 192
    assert HaarDetector(min_face_px=44).smallest_px(upright, halvings=0) == 44


def test_halving_below_the_least_side_proposes_nothing(portrait_bgr):
    frame = frame_of(portrait_bgr)
    count = next(k for k in range(1, 9) if not len(HaarDetector().detect(frame, halvings=k)))
    assert HaarDetector().smallest_px(frame, halvings=count) == LEAST_PX
    assert HaarDetector().smallest_px(frame, halvings=count - 1) == LEAST_PX


def test_faces_under_the_smallest_are_not_looked_for(portrait_bgr):
    detector = HaarDetector(min_face_px=300)
    boxes = detector.detect(frame_of(portrait_bgr)).boxes_xyxy
    assert (boxes[:, 2] - boxes[:, 0] > 200).all()


def test_the_licence_of_the_cascade_lies_beside_it():
    folder = Path(haar.__file__).parent / "data"
    text = (folder / "LICENSE.haarcascade_frontalface_default.txt").read_text(encoding="utf-8")
    assert "Intel License Agreement" in text


def test_an_opencv_without_cascades_is_an_error_with_the_pin(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(DetectorError, match=r"opencv-python>=4\.13,<5"):
        HaarDetector()


def test_a_missing_cascade_is_an_error(monkeypatch):
    monkeypatch.setattr(haar, "CASCADE", "none.xml")
    with pytest.raises(DetectorError, match="missing or broken"):
        HaarDetector()
