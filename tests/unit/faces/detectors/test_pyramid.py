"""The image pyramid: every size of face is found, once."""

import cv2
import numpy as np
import pytest
import skimage.data

from rtau.faces.detectors.haar import HaarDetector
from rtau.faces.detectors.pyramid import WINDOW_PX, detect_all_sizes
from tests.unit.faces.detectors.test_haar import FACE_CENTRE, FACE_SIDE


def portrait(face_px):
    """Returns the portrait in grey, its face so many px wide."""
    grey = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    scale = face_px / FACE_SIDE
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


@pytest.fixture
def search():
    cascade = HaarDetector()._cascade

    def found(grey, smallest_px=30):
        return detect_all_sizes(cascade, grey, smallest_px=smallest_px)

    return found


@pytest.mark.parametrize("side_px", [35, 40, 45, 50, 60, 75, 90, 105, 130, 160, 185, 220])
def test_a_face_of_any_size_is_found_once_or_nearly(search, side_px):
    found = search(portrait(side_px))
    centres = found[:, :2] + found[:, 2:] / 2
    near = (
        np.abs(centres - np.array(FACE_CENTRE) * side_px / FACE_SIDE).max(axis=1) < 0.15 * side_px
    )
    alike = np.abs(np.log(found[:, 2] / side_px)) < np.log(1.3)
    assert 1 <= (near & alike).sum() <= 2


def test_faces_smaller_than_the_smallest_are_not_found(search):
    grey = portrait(40)
    assert len(search(grey, 30))
    for smallest_px in (60, 100):  # the next octave, and one further
        assert all(found[2] > 46 for found in search(grey, smallest_px))


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (23, 23), (24, 24), (47, 49), (95, 24)])
def test_a_picture_of_any_size_may_hold_nobody(search, size):
    found = search(np.full(size, 90, np.uint8))
    assert found.shape == (0, 4)
    assert found.dtype == np.int64


def test_nothing_larger_than_the_picture_is_found(search):
    noise = np.random.default_rng(0).integers(0, 255, (240, 300), np.uint8)
    assert all(found[2] <= 240 for found in search(noise, WINDOW_PX))
