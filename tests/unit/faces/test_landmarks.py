"""Boxes predicted from landmarks: the canonical square, the box under it, plausibility."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau import geometry
from rtau.contract import CropRule, LandmarkRule
from rtau.data import Faces, Scores
from rtau.faces.landmarks import boxes_under, canonical_squares, plausible, predict_from_landmarks
from tests.support.doubles import make_contract

SIDE = 32
RULE = LandmarkRule(side_over_landmark_box=1.25, lift=0.04)
CONTRACT = make_contract(
    input_size=SIDE,
    crop=CropRule(detector="haar", expand=1.1, offset_x=-0.02, offset_y=0.09),
    landmarks=RULE,
)


def points_in(box_xyxy):
    """68 points whose box is the given one."""
    x0, y0, x1, y1 = box_xyxy
    ring = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = np.stack([np.cos(ring), np.sin(ring)], axis=1)
    unit = (points - points.min(axis=0)) / np.ptp(points, axis=0)
    return (unit * (x1 - x0, y1 - y0) + (x0, y0)).astype(np.float32)


def canonical_points(*, shift=(0.0, 0.0), scale=1.0):
    """Points in crop space whose square is the crop, moved and scaled about its centre."""
    box = SIDE / RULE.side_over_landmark_box
    centre = np.array([SIDE / 2, SIDE / 2 + RULE.lift * SIDE])
    points = points_in((*(centre - box / 2), *(centre + box / 2)))
    return ((points - SIDE / 2) * scale + SIDE / 2 + np.array(shift)).astype(np.float32)


def scores_of(*points):
    logits = np.zeros((len(points), 3), np.float32)
    return Scores(CONTRACT.labels, CONTRACT.task, logits, landmarks_xy=np.stack(points))


def moved(boxes, *points):
    """What is made of faces at boxes whose landmarks lie there in their crops."""
    faces = Faces(
        boxes_xyxy=np.array(boxes, np.float32),
        scores=np.linspace(0.5, 0.9, len(boxes), dtype=np.float32),
        track_ids=np.arange(3, 3 + len(boxes)),
    )
    rule = CONTRACT.crop
    squares = geometry.square(
        faces.boxes_xyxy, expand=rule.expand, offset_x=rule.offset_x, offset_y=rule.offset_y
    )
    maps = geometry.frame_from_crop(squares, size=SIDE)
    return predict_from_landmarks(
        faces, scores_of(*points), frame_from_crop=maps, contract=CONTRACT
    )


def test_the_square_of_points_is_laid_on_their_box():
    wide, tall = points_in((10, 20, 50, 40)), points_in((10, 20, 30, 60))
    squares = canonical_squares(np.stack([wide, tall]), side_over_landmark_box=1.5, lift=0.1)

    np.testing.assert_allclose(squares, [[0, -6, 60, 54], [-10, 4, 50, 64]], atol=1e-4)


corner, side = st.floats(-500, 2000, width=32), st.floats(8, 1500, width=32)
offset = st.floats(-0.5, 0.5)


@given(corner, corner, side, st.floats(0.5, 2), offset, offset)
def test_the_box_under_a_square_is_cut_to_that_square(x, y, length, expand, offset_x, offset_y):
    rule = CropRule(detector="haar", expand=expand, offset_x=offset_x, offset_y=offset_y)
    squares = np.array([[x, y, x + length, y + length]], np.float32)

    again = geometry.square(
        boxes_under(squares, rule), expand=expand, offset_x=offset_x, offset_y=offset_y
    )

    np.testing.assert_allclose(again, squares, atol=4e-3)


def test_landmarks_in_their_place_leave_the_box_where_it_is():
    boxes = [(100, 80, 180, 160), (10, 300, 40, 330)]
    found = moved(boxes, canonical_points(), canonical_points())

    np.testing.assert_allclose(found.boxes_xyxy, boxes, atol=1e-3)
    assert found.track_ids.tolist() == [3, 4]
    np.testing.assert_allclose(found.scores, [0.5, 0.9])


def test_landmarks_that_moved_and_grew_take_the_box_along():
    found = moved([(100, 80, 180, 160)], canonical_points(shift=(2, -1), scale=1.1))

    frame_px = 80 * CONTRACT.crop.expand / SIDE
    (box,) = found.boxes_xyxy
    assert box[2] - box[0] == pytest.approx(88, abs=1e-3)
    # The crop's centre, where the points were scaled about, is not the box's.
    centre = np.array([140 - 0.02 * 80, 120 + 0.09 * 80]) + np.array([2, -1]) * frame_px
    want = centre - np.array([-0.02, 0.09]) * 88
    np.testing.assert_allclose((box[:2] + box[2:]) / 2, want, atol=1e-2)


@pytest.mark.parametrize(
    "lost",
    [
        canonical_points(shift=(0.27 * SIDE, 0)),
        canonical_points(shift=(0, -0.27 * SIDE)),
        canonical_points(scale=1.4),
        canonical_points(scale=0.7),
        np.full((68, 2), SIDE / 2, np.float32),
    ],
    ids=["right", "up", "large", "small", "a point"],
)
def test_implausible_landmarks_are_rejected(lost):
    found = moved([(100, 80, 180, 160), (10, 300, 40, 330)], lost, canonical_points())

    assert found.track_ids.tolist() == [4]


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.34])
@pytest.mark.parametrize("shift", [-0.24, 0.24])
def test_landmarks_within_the_training_distribution_are_plausible(scale, shift):
    half = scale * SIDE / 2
    centre = SIDE / 2 + shift * SIDE
    square = np.array([[centre - half, centre - half, centre + half, centre + half]], np.float32)
    assert plausible(square, crop_px=SIDE).tolist() == [True]


def test_no_faces_no_boxes():
    nothing = dataclasses.replace(
        scores_of(canonical_points()), logits=np.zeros((0, 3), np.float32),
        landmarks_xy=np.zeros((0, 68, 2), np.float32),
    )  # fmt: skip
    maps = np.zeros((0, 2, 3), np.float32)
    found = predict_from_landmarks(Faces.none(), nothing, frame_from_crop=maps, contract=CONTRACT)
    assert len(found) == 0
