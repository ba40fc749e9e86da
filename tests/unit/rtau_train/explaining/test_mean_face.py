import json
from pathlib import Path

import numpy as np
import pytest

from rtau.contract import CropRule
from rtau.errors import ConfigError
from rtau_train.datasets.augmentation import mirrored_order, plain_points
from rtau_train.explaining import mean_face as module
from rtau_train.explaining.mean_face import mean_face
from rtau_train.recipe import Crop
from tests.support.training import faces, shipped_recipe

HAAR = CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0)


@pytest.mark.parametrize("rule", [shipped_recipe().crop, HAAR], ids=["landmarks", "haar"])
def test_it_is_a_symmetric_face_inside_the_crop(rule):
    points = mean_face(rule)

    assert points.shape == (68, 2)
    np.testing.assert_allclose(points[mirrored_order()] * [-1, 1] + [1, 0], points, atol=1e-3)
    assert points[36:48, 1].mean() < points[33, 1] < points[48:, 1].mean() < points[8, 1]
    assert points[0, 0] < points[36, 0] < points[45, 0] < points[16, 0]


def test_it_is_where_rendered_faces_are():
    data, crop = faces(), shipped_recipe().crop
    images = data.images(np.arange(len(data)))
    own = [
        plain_points(points, image, crop, size=1)
        for points, image in zip(data.landmarks, images, strict=True)
    ]

    assert np.abs(mean_face(crop) - np.mean(own, axis=0)).max() < 0.04


def test_both_boxes_lead_to_the_same_place_in_the_crop_they_share():
    recipe = shipped_recipe()

    apart = mean_face(recipe.crop) - mean_face(recipe.shipping.haar_crop)

    assert np.abs(apart).max() < 0.01


def test_a_wider_crop_holds_a_smaller_face():
    wide = CropRule(detector="haar", expand=2.0, offset_x=0.0, offset_y=0.0)
    moved = CropRule(detector="haar", expand=1.0, offset_x=0.1, offset_y=-0.2)

    np.testing.assert_allclose(mean_face(wide) - 0.5, (mean_face(HAAR) - 0.5) / 2)
    np.testing.assert_allclose(mean_face(moved), mean_face(HAAR) - [0.1, -0.2])
    lifted = mean_face(Crop(1.0, 0.1)) - mean_face(Crop(1.0, 0.0))
    np.testing.assert_allclose(lifted, np.tile([0, 0.1], (68, 1)), atol=1e-12)


def test_another_detector_was_not_measured():
    with pytest.raises(ConfigError, match="haar detector, got 'other'"):
        mean_face(CropRule(detector="other", expand=1.0, offset_x=0.0, offset_y=0.0))


def test_the_file_says_how_it_was_made():
    path = Path(module.__file__).with_name(module.FILE)
    measured = json.loads(path.read_text(encoding="utf-8"))

    assert (path.parents[3] / measured["made_by"]).is_file()
    assert measured["of"]
    assert measured["landmark_box"]["faces"] >= measured["haar_box"]["faces"] > 1000
