import numpy as np
import pytest

from rtau_train.synth.camera_flaws import GREY_SHARE, through_camera

SIZE = 64
y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
SCENE = np.dstack([x, y, 0.5 * (x + y)]).astype(np.float32)


def shots(count, *, dark=False):
    return [through_camera(SCENE, np.random.default_rng(seed), dark=dark) for seed in range(count)]


def test_a_shot_is_a_picture():
    for image, _ in shots(40):
        assert image.shape == (SIZE, SIZE, 3)
        assert image.dtype == np.uint8


def test_one_seed_gives_one_shot():
    for (first, _), (second, _) in zip(shots(10), shots(10), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_scene_is_not_changed():
    before = SCENE.copy()
    shots(20)

    np.testing.assert_array_equal(SCENE, before)


def test_grey_pictures_have_no_colour_and_are_named():
    taken = shots(200)

    assert np.mean([grey for _, grey in taken]) == pytest.approx(GREY_SHARE, abs=0.08)
    for image, grey in taken:
        spread = np.ptp(image.astype(int), axis=2).mean()
        assert (spread < 4) == grey


def test_some_pictures_stay_clean_and_some_are_bad():
    clean = (SCENE * 255).astype(int)
    errors = [np.abs(image - clean).mean() for image, grey in shots(200) if not grey]

    assert min(errors) < 2
    assert max(errors) > 20


def test_dark_rooms_are_noisier():
    def noise(dark):
        flat = np.full((SIZE, SIZE, 3), 0.3, np.float32)
        levels = []
        for seed in range(80):
            image, _ = through_camera(flat, np.random.default_rng(seed), dark=dark)
            levels.append(np.diff(image.astype(float), axis=1).std())
        return np.mean(levels)

    assert noise(dark=True) > 1.4 * noise(dark=False)
