import math

import numpy as np
import pytest

from rtau_train.synth import scene
from rtau_train.synth.scene import LIGHTS, Pose

FORWARD, LEFT_EAR = np.array([0, 0, 1]), np.array([1, 0, 0])


def test_a_head_that_faces_the_camera_is_not_turned():
    np.testing.assert_allclose(Pose().matrix(), np.eye(3), atol=1e-12)


def test_yaw_turns_the_nose_to_the_heads_left():
    assert (Pose(yaw_deg=20).matrix() @ FORWARD)[0] == pytest.approx(math.sin(math.radians(20)))


def test_pitch_turns_the_nose_down():
    assert (Pose(pitch_deg=10).matrix() @ FORWARD)[1] == pytest.approx(-math.sin(math.radians(10)))


def test_roll_raises_the_left_ear():
    assert (Pose(roll_deg=15).matrix() @ LEFT_EAR)[1] == pytest.approx(math.sin(math.radians(15)))


@pytest.mark.parametrize("seed", range(20))
def test_a_pose_is_a_rotation(seed):
    matrix = scene.sampled_scene(np.random.default_rng(seed), skin_level=0.3).pose.matrix()

    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)


@pytest.mark.parametrize("kind", LIGHTS)
def test_lamps_shine_and_are_directions(kind):
    for seed in range(5):
        lighting = scene.sampled_lighting(np.random.default_rng(seed), kind=kind)
        np.testing.assert_allclose(np.linalg.norm(lighting.directions, axis=1), 1, atol=1e-9)
        assert (lighting.colours >= 0).all()
        assert (lighting.ambient >= 0).all()
        assert lighting.level > 0


def test_all_kinds_of_light_come_up():
    rng = np.random.default_rng(0)

    assert {scene.sampled_lighting(rng).kind for _ in range(300)} == LIGHTS.keys()


def test_a_dim_room_is_exposed_darker():
    def mean_exposure(kind):
        gains = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            lighting = scene.sampled_lighting(rng, kind=kind)
            gains.append(scene.metered_exposure(lighting, rng, skin_level=0.35) * lighting.level)
        return np.mean(gains)

    assert mean_exposure("dim") < 0.7 * mean_exposure("soft")


def test_the_meter_helps_dark_skin_but_not_all_the_way():
    rng = np.random.default_rng(0)
    lighting = scene.sampled_lighting(rng, kind="soft")

    def exposure(level):
        return scene.metered_exposure(lighting, np.random.default_rng(1), skin_level=level)

    assert exposure(0.35) < exposure(0.06) < exposure(0.35) * 0.35 / 0.06


@pytest.mark.parametrize("seed", range(10))
def test_a_background_is_a_picture(seed):
    image = scene.sampled_background(np.random.default_rng(seed), 64, kind="soft")

    assert image.shape == (64, 64, 3)
    assert image.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 1
