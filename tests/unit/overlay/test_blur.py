import cv2
import numpy as np
import pytest

from rtau.overlay._blur import HiddenFaces, hide
from rtau.overlay.canvas import Canvas
from tests.support.pictures import drawn_result


def noise(width=200, height=160):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3)).astype(np.uint8)


def detail(image):
    return float(cv2.Laplacian(image, cv2.CV_32F).std())


def test_a_hidden_region_has_no_detail_and_the_rest_is_untouched():
    image, before = noise(), noise()
    hide(Canvas(image), np.array([40, 30, 140, 130], np.float32))
    assert detail(image[50:110, 60:120]) < 0.02 * detail(before[50:110, 60:120])
    outside = np.ones(image.shape[:2], bool)
    outside[30:130, 40:140] = False
    assert np.array_equal(image[outside], before[outside])


def test_what_is_left_is_a_handful_of_numbers():
    # Two pictures that differ only within blocks become the same: the difference is gone for good.
    first = np.zeros((128, 128, 3), np.uint8)
    second = first.copy()
    first[::2], second[1::2] = 200, 200
    for image in (first, second):
        hide(Canvas(image), np.array([0, 0, 128, 128], np.float32))
    assert np.abs(first[40:88, 40:88].astype(int) - second[40:88, 40:88]).max() <= 2


@pytest.mark.parametrize("corners", [(-60, -60, 60, 60), (150, 100, 260, 220)])
def test_a_face_cut_by_the_edge_is_hidden_up_to_the_edge(corners):
    image, before = noise(), noise()
    hide(Canvas(image), np.array(corners, np.float32))
    x0, y0 = max(corners[0], 0), max(corners[1], 0)
    x1, y1 = min(corners[2], 200), min(corners[3], 160)
    inner = (slice(y0, y0 + 20), slice(x0, x0 + 20)) if corners[0] < 0 else (
        slice(y1 - 20, y1), slice(x1 - 20, x1))  # fmt: skip
    assert detail(image[inner]) < 0.1 * detail(before[inner])


def test_boxes_off_the_frame_change_nothing():
    image, before = noise(), noise()
    hide(Canvas(image), np.array([300, 300, 400, 400], np.float32))
    assert np.array_equal(image, before)


def covers(boxes, point):
    x, y = point
    return any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in boxes)


def at(time_s, boxes=(), *, ids=None, tentative=()):
    return drawn_result(boxes, width=400, height=300, time_s=time_s, ids=ids, tentative=tentative)


FACE, OTHER = (100, 80, 160, 140), (280, 80, 340, 140)


def test_boxes_to_hide_reach_beyond_the_face():
    boxes = HiddenFaces().update(at(0.0, [FACE]))
    assert boxes.shape == (1, 4)
    assert covers(boxes, (85, 65))
    assert covers(boxes, (175, 155))


def test_tentative_faces_are_hidden_too():
    assert covers(HiddenFaces().update(at(0.0, tentative=[OTHER])), (310, 110))


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_lost_face_stays_hidden_for_a_second(confirmed):
    hidden = HiddenFaces()
    hidden.update(at(0.0, [OTHER]) if confirmed else at(0.0, tentative=[OTHER]))
    assert covers(hidden.update(at(0.9)), (310, 110))
    assert not covers(hidden.update(at(1.3)), (310, 110))


def test_a_moving_face_drags_no_trail():
    hidden = HiddenFaces()
    for step in range(20):
        shift = step * 8
        boxes = hidden.update(at(step / 25, [np.add(FACE, [shift, 0, shift, 0])]))
    assert len(boxes) == 1


def test_a_face_that_is_confirmed_is_hidden_once():
    hidden = HiddenFaces()
    hidden.update(at(0.0, tentative=[FACE]))
    assert len(hidden.update(at(0.04, [FACE]))) == 1


def test_nothing_to_hide():
    assert HiddenFaces().update(at(0.0)).shape == (0, 4)
