"""Trust flags: each reason on a face that has it, and none on one that has nothing wrong."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtau.data import Crops, Faces, Frame
from rtau.faces.quality import asymmetry, quality_reasons
from tests.architecture.tree import ROOT

SIDE = 112
FRAME = Frame(index=0, time_s=0.0, picture=np.zeros((480, 640, 3), np.uint8))
RENDERS = sorted((ROOT / "tests/data/synth-facs/crops").rglob("*.jpg"))[:40]


def render(path):
    image = cv2.resize(cv2.imread(str(path)), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[..., ::-1])


def reasons(image, *, box=(100, 100, 300, 300), side_px=200.0, nose=0.0, is_covered=None):
    scale = np.array([[[side_px / SIDE, 0, 0], [0, side_px / SIDE, 0]]], np.float32)
    points = np.full((1, 68, 2), SIDE / 2, np.float32)
    points[0, 0:3, 0], points[0, 14:17, 0] = 10, SIDE - 10
    points[0, 30, 0] = SIDE / 2 + nose * (SIDE - 20) / 2
    covered = None if is_covered is None else np.array([is_covered])
    faces = Faces(boxes_xyxy=np.array([box], np.float32), covered=covered)
    crops = Crops(images_rgb=image[None], frame_from_crop=scale, face_rows=np.arange(1))
    (found,) = quality_reasons(FRAME, faces, crops, landmarks_xy=points)
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"nose": 0.9}, ("pose",)),
        ({"nose": -0.9}, ("pose",)),
        ({"nose": 0.5}, ()),
        ({"side_px": 40.0}, ("small",)),
        ({"box": (-40, 100, 160, 300)}, ("cut off",)),
        ({"box": (-10, 100, 190, 300)}, ()),
        ({"is_covered": True}, ("occluded",)),
        ({"is_covered": False}, ()),
        ({"is_covered": True, "side_px": 40.0, "nose": 0.9}, ("pose", "small", "occluded")),
    ],
)
def test_geometry_gives_its_reason(changes, expected):
    assert reasons(render(RENDERS[0]), **changes) == expected


def test_most_renders_are_good_and_the_same_ones_blurred_or_dark_are_not():
    plain = [render(path) for path in RENDERS]
    blurred = [cv2.GaussianBlur(one, (0, 0), 0.02 * SIDE) for one in plain]
    dark = [(one * 0.2).astype(np.uint8) for one in plain]
    share = {
        "good": np.mean([reasons(one) == () for one in plain]),
        "blurred": np.mean(["blurred" in reasons(one) for one in blurred]),
        "dark": np.mean(["dark" in reasons(one) for one in dark]),
    }
    assert share["good"] >= 0.95
    assert share["blurred"] >= 0.95
    assert share["dark"] >= 0.8


def test_landmarks_that_are_no_face_are_turned_away():
    assert asymmetry(np.zeros((68, 2), np.float32)) == 1.0


def test_no_face_needs_no_reason():
    none = Crops(
        images_rgb=np.zeros((0, SIDE, SIDE, 3), np.uint8),
        frame_from_crop=np.zeros((0, 2, 3), np.float32),
        face_rows=np.arange(0),
    )
    assert quality_reasons(FRAME, Faces.none(), none, landmarks_xy=None) == ()
