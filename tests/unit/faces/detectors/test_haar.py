"""The Haar detector on a photograph, a rendered clip, and on frames without a face."""

import csv
import itertools
from pathlib import Path
from xml.etree import ElementTree

import av
import cv2
import numpy as np
import pytest
import skimage.data

from rtau import geometry
from rtau.data import Faces, Frame
from rtau.errors import DetectorError
from rtau.faces.detection_policy import DetectionPolicy
from rtau.faces.detectors import haar
from rtau.faces.detectors.haar import HaarDetector
from rtau.faces.face_tracker import FaceTracker
from rtau.faces.trackers.iou import IouTracker

EXAMPLE = Path(__file__).parents[4] / "examples" / "one_face.mp4"
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


def best(faces):
    return faces.boxes_xyxy[int(np.argmax(faces.scores))]


def assert_on_face(box, *, scale=1.0):
    centre, side = (box[:2] + box[2:]) / 2 / scale, (box[2] - box[0]) / scale
    assert np.abs(centre - FACE_CENTRE).max() < 0.15 * FACE_SIDE
    assert abs(side / FACE_SIDE - 1) < 0.2


def test_the_face_of_a_portrait_is_the_best_it_finds(detector, portrait_bgr):
    faces = detector.detect(frame_of(portrait_bgr))
    assert_on_face(best(faces))
    assert faces.scores.max() > 0.6


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0])
def test_size_of_the_picture_is_without_effect(detector, portrait_bgr, scale):
    image = cv2.resize(portrait_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert_on_face(best(detector.detect(frame_of(image))), scale=scale)


@pytest.mark.parametrize(("gain", "gamma"), [(0.3, 1.0), (1.0, 2.5), (0.5, 1.8)])
def test_a_face_in_a_dark_picture_is_detected(detector, portrait_bgr, gain, gamma):
    dark = ((portrait_bgr / 255.0) ** gamma * gain * 255).astype(np.uint8)
    assert_on_face(best(detector.detect(frame_of(dark))))


@pytest.mark.parametrize("shift", [(-12, 5), (10, -10), (0, 0)])
@pytest.mark.parametrize("ratio", [0.85, 1.0, 1.2])
def test_a_known_face_is_redetected_from_a_shifted_box(detector, portrait_bgr, shift, ratio):
    centre, half = np.add(FACE_CENTRE, shift), FACE_SIDE * ratio / 2
    guess = np.array([[*(centre - half), *(centre + half)]], np.float32)
    faces = detector.detect(frame_of(portrait_bgr), near=Faces(boxes_xyxy=guess))
    assert len(faces) == 1
    assert_on_face(faces.boxes_xyxy[0])


class Looks(HaarDetector):
    """Haar detector that records the side each fine detection rescales to."""

    def __init__(self):
        super().__init__()
        self.sides_px = []

    def _refine(self, frame, proposal, *, face_px):
        self.sides_px.append(face_px)
        return super()._refine(frame, proposal, face_px=face_px)


def seen_face() -> Faces:
    corner = np.subtract(FACE_CENTRE, FACE_SIDE / 2)
    box = np.array([[*corner, *(corner + FACE_SIDE)]], np.float32)
    return Faces(boxes_xyxy=box, scores=np.full(1, 0.9, np.float32))


@pytest.mark.parametrize("within", [None, np.array([[100, 0, 350, 300]], np.float32)])
def test_a_known_face_is_not_detected_again(portrait_bgr, within):
    detector, frame = Looks(), frame_of(portrait_bgr)
    plain = detector.detect(frame, within=within)
    looks, detector.sides_px = detector.sides_px, []
    found = detector.detect(frame, within=within, seen=seen_face())

    assert len(detector.sides_px) < len(looks)
    assert len(found) == len(plain) - 1
    assert not (geometry.iou(found.boxes_xyxy, seen_face().boxes_xyxy) > 0.3).any()


def test_a_face_beside_one_that_is_seen_is_found(detector, portrait_bgr):
    twice = np.hstack([portrait_bgr, portrait_bgr])
    found = detector.detect(frame_of(twice), seen=seen_face())
    beside = found.boxes_xyxy - np.array([portrait_bgr.shape[1], 0] * 2, np.float32)
    assert len(found) >= 1
    assert_on_face(best(Faces(boxes_xyxy=beside, scores=found.scores)))


def test_a_known_face_elsewhere_masks_no_other(detector, portrait_bgr):
    wall = np.array([[400, 20, 500, 120], [-30, -30, 20, 20], [900, 900, 950, 950]], np.float32)
    seen = Faces(boxes_xyxy=wall, scores=np.full(3, 0.9, np.float32))
    assert_on_face(best(detector.detect(frame_of(portrait_bgr), seen=seen)))


def test_threads_of_opencv_do_not_change_an_answer(detector, portrait_bgr):
    answers, threads = [], cv2.getNumThreads()
    try:
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            found = detector.detect(frame_of(portrait_bgr))
            answers.append((found.boxes_xyxy.tobytes(), found.scores.tobytes()))
    finally:
        cv2.setNumThreads(threads)
    assert len(set(answers)) == 1


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (23, 23), (24, 24), (37, 641)])
def test_frames_too_small_for_a_face_have_none(detector, size):
    faces = detector.detect(frame_of(np.full((*size, 3), 90, np.uint8)))
    assert len(faces) == 0
    around = Faces(boxes_xyxy=np.array([[0, 0, size[1], size[0]]], np.float32))
    assert len(detector.detect(frame_of(np.zeros((*size, 3), np.uint8)), near=around)) == 0


def test_a_face_at_the_edge_has_its_box_inside_the_frame(detector, portrait_bgr):
    x0, y0 = FACE_CENTRE[0] - FACE_SIDE // 2, FACE_CENTRE[1] - FACE_SIDE // 2
    cut = np.ascontiguousarray(portrait_bgr[y0 : y0 + 200, x0 : x0 + 200])
    guess = Faces(boxes_xyxy=np.array([[0, 0, FACE_SIDE, FACE_SIDE]], np.float32))
    for faces in (detector.detect(frame_of(cut)), detector.detect(frame_of(cut), near=guess)):
        assert len(faces) >= 1
        assert faces.boxes_xyxy.min() >= 0


def test_the_smallest_face_is_px_a_share_or_a_twelfth_of_the_shorter_side():
    upright = frame_of(np.zeros((1920, 1080, 3), np.uint8))
    assert HaarDetector()._smallest_px(upright) == 90
    assert HaarDetector(min_face_share=0.1)._smallest_px(upright) == 192
    assert HaarDetector(min_face_px=44)._smallest_px(upright) == 44


def test_faces_below_the_minimum_size_are_not_detected(portrait_bgr):
    detector = HaarDetector(min_face_px=300)
    boxes = detector.detect(frame_of(portrait_bgr)).boxes_xyxy
    assert (boxes[:, 2] - boxes[:, 0] > 200).all()


def test_the_last_stage_is_that_of_the_packaged_cascade():
    path = Path(haar.__file__).parent / "data" / haar.CASCADE
    stages = ElementTree.parse(path).getroot().findall("cascade/stages/_/stageThreshold")
    assert float(stages[-1].text) == pytest.approx(haar.LAST_STAGE, abs=1e-6)


def test_the_licence_of_the_cascade_lies_beside_it():
    folder = Path(haar.__file__).parent / "data"
    text = (folder / "LICENSE.haarcascade_frontalface_default.txt").read_text(encoding="utf-8")
    assert "Intel License Agreement" in text


def test_an_opencv_without_cascades_is_an_error_with_the_pin(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(DetectorError, match=r"opencv-python>=4\.10,<5"):
        HaarDetector()


def test_a_missing_cascade_is_an_error(monkeypatch):
    monkeypatch.setattr(haar, "CASCADE", "none.xml")
    with pytest.raises(DetectorError, match="missing or broken"):
        HaarDetector()


def test_at_least_95_of_100_faces_of_the_example_are_found_and_nothing_else():
    """The crops that follow from the boxes cover the true crops, by the measured map."""
    truth = {}
    with EXAMPLE.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            truth[int(row["frame"])] = [float(row[k]) for k in ("x0", "y0", "x1", "y1")]
    face_tracker = FaceTracker(HaarDetector(), IouTracker(), DetectionPolicy())
    found = reported = frames = 0
    ids = set()
    with av.open(str(EXAMPLE)) as container:
        pictures = itertools.islice(container.decode(video=0), 250)  # ten seconds, nine AUs
        for index, picture in enumerate(pictures):
            faces = face_tracker.track(
                Frame(
                    index=index,
                    time_s=float(picture.time),
                    picture=picture.to_ndarray(format="bgr24"),
                )
            ).faces
            landmarks = np.array([truth[index]], np.float32)
            crop = geometry.square(landmarks, expand=1.27, offset_y=-0.04 * 1.27)
            squares = geometry.square(faces.boxes_xyxy, expand=1.06, offset_y=0.09)
            found += int((geometry.iou(crop, squares) >= 0.5).any())
            reported += len(faces)
            frames += 1
            ids |= set(faces.track_ids.tolist())
    assert frames == 250
    assert found >= 0.95 * frames
    assert reported == found
    assert ids == {1}
