import dataclasses

import cv2
import numpy as np
import pytest

from rtau.faces import crops
from rtau_train.datasets import augmentation
from tests.support.training import NO_AUGMENT, shipped_recipe

RULE = shipped_recipe().crop
SHAKEN = shipped_recipe().augment
SIZE = 112


def dotted(landmarks):
    """A black picture with a white dot at each of a few landmarks."""
    image = np.zeros((128, 128, 3), np.uint8)
    for x, y in landmarks:
        cv2.circle(image, (round(x * 16 - 8), round(y * 16 - 8)), 40, (255,) * 3, -1, shift=4)
    return image


def test_the_square_lies_on_the_landmark_box_as_the_recipe_says():
    landmarks = np.full((68, 2), [60, 70], np.float32)
    landmarks[0], landmarks[1] = (20, 40), (100, 90)  # a box of 80 x 50 about (60, 65)

    square = augmentation.canonical_square(landmarks, RULE)

    side = 1.27 * 80
    centre_y = 65 - 0.04 * side
    wanted = [60 - side / 2, centre_y - side / 2, 60 + side / 2, centre_y + side / 2]
    np.testing.assert_allclose(square, wanted, rtol=1e-6)


def test_without_chance_training_cuts_what_the_runtime_cuts(data):
    image, landmarks = data.images(np.array([4]))[0], data.landmarks[4]
    rng = np.random.default_rng(0)

    crop, points = augmentation.training_crop(
        image, landmarks, RULE, augment=NO_AUGMENT, size=SIZE, rng=rng
    )

    square = augmentation.canonical_square(landmarks, RULE)
    runtime = crops.warp_square(image, square, size=SIZE)
    assert np.abs(crop.astype(int) - runtime).max() <= 1
    np.testing.assert_array_equal(
        augmentation.plain_crop(image, landmarks, RULE, size=SIZE), runtime
    )
    wanted = (landmarks - square[:2]) / (square[2] - square[0]) * 2 - 1
    np.testing.assert_allclose(points, wanted, atol=1e-4)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_landmarks_stay_on_what_they_mark(data, mirror, seed):
    landmarks = data.landmarks[seed]
    corners = [36, 45, 48, 54, 8]
    change = dataclasses.replace(
        NO_AUGMENT, shift_std=0.05, scale_std=0.1, turn_std_deg=15, mirror=mirror
    )

    crop, points = augmentation.training_crop(
        dotted(landmarks[corners]),
        landmarks,
        RULE,
        augment=change,
        size=SIZE,
        rng=np.random.default_rng(seed),
    )

    inside = [index for index in corners if np.abs(points[index]).max() < 0.95]
    assert len(inside) >= 3
    for index in inside:
        x, y = np.floor((points[index] + 1) * SIZE / 2).astype(int)
        assert crop[y, x, 0] > 128, f"point {index} is not on its dot"


def test_mirroring_swaps_left_and_right_names():
    order = augmentation.mirrored_order()

    np.testing.assert_array_equal(order[order], np.arange(68))
    assert order[36] == 45  # outer corner of the right eye, of the left eye
    assert order[48] == 54
    assert order[8] == 8
    assert order[27] == 27


def test_a_mirrored_face_has_its_points_in_the_same_places(data):
    landmarks = data.landmarks.mean(axis=0)  # over many heads, left and right agree
    mirrored = landmarks * np.array([-1, 1]) + np.array([128, 0])

    distance = np.linalg.norm(mirrored[augmentation.mirrored_order()] - landmarks, axis=1)
    assert distance.max() < 6


def test_a_generator_decides_everything(data):
    image, landmarks = data.images(np.array([4]))[0], data.landmarks[4]

    def cut(seed):
        return augmentation.training_crop(
            image, landmarks, RULE, augment=SHAKEN, size=SIZE, rng=np.random.default_rng(seed)
        )[0]

    np.testing.assert_array_equal(cut(5), cut(5))
    assert not np.array_equal(cut(5), cut(6))


@pytest.mark.parametrize("flaw", ["grey", "tone", "blur", "small", "noise", "jpeg"])
def test_each_flaw_changes_the_pixels_and_nothing_else(data, flaw):
    image, landmarks = data.images(np.array([4]))[0], data.landmarks[4]

    def cut(change):
        rng = np.random.default_rng(3)
        return augmentation.training_crop(
            image, landmarks, RULE, augment=change, size=SIZE, rng=rng
        )

    plain, points = cut(NO_AUGMENT)
    flawed, flawed_points = cut(dataclasses.replace(NO_AUGMENT, **{flaw: 1.0}))

    np.testing.assert_array_equal(points, flawed_points)
    assert flawed.dtype == np.uint8
    assert flawed.shape == plain.shape
    assert not np.array_equal(plain, flawed)
    correlation = np.corrcoef(plain.mean(axis=2).ravel(), flawed.mean(axis=2).ravel())[0, 1]
    assert correlation > 0.8, "the face must still be there"
