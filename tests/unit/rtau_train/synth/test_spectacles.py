import numpy as np
import pytest

from rtau_train.synth.spectacles import sampled_frame, worn
from tests.support.made_up_head import landmarks_cm

FACE = landmarks_cm()


@pytest.fixture(params=range(12), ids=lambda seed: f"style{seed}")
def spectacles(request):
    return worn(sampled_frame(np.random.default_rng(request.param)), FACE)


def test_they_are_symmetric(spectacles):
    low, high = (bound(spectacles.frame_points[:, 0], initial=0) for bound in (np.min, np.max))

    assert high == pytest.approx(-low, rel=0.05)


def test_each_eye_looks_through_a_lens(spectacles):
    half = len(spectacles.lens_points) // 2
    for points, eye in (
        (spectacles.lens_points[:half], FACE[36:42]),
        (spectacles.lens_points[half:], FACE[42:48]),
    ):
        assert (points[:, :2].min(0) < eye[:, :2].mean(0)).all()
        assert (points[:, :2].max(0) > eye[:, :2].mean(0)).all()


def test_they_sit_before_the_eyes_and_reach_behind_the_ears(spectacles):
    assert spectacles.lens_points[:, 2].max() > FACE[36:48, 2].max()
    assert spectacles.frame_points[:, 2].min() < FACE[[0, 16], 2].min()


def test_triangles_name_points_that_exist(spectacles):
    assert spectacles.frame_triangles.max() == len(spectacles.frame_points) - 1
    assert spectacles.lens_triangles.max() == len(spectacles.lens_points) - 1
    assert spectacles.frame_triangles.min() == 0


def test_styles_differ():
    rng = np.random.default_rng(0)
    styles = [sampled_frame(rng) for _ in range(200)]

    assert any(style.tint > 0.5 for style in styles)
    assert any(style.rimless_below for style in styles)
    assert len({style.squareness for style in styles}) == 4
