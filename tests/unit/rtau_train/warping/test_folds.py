import numpy as np
import pytest

from rtau_train.warping import folds


def test_a_side_without_an_action_has_no_fold():
    shade = folds.sampled_shade({12: 5.0}, {12: 0.0}, np.random.default_rng(1), gain=1.0)

    assert np.abs(shade[:, 180:]).max() > 0.05
    assert not shade[:, :140].any()


def test_deeper_skin_folds_more():
    deep, flat = (
        np.abs(folds.sampled_shade({4: 5.0}, {4: 5.0}, np.random.default_rng(1), gain=gain)).sum()
        for gain in (1.0, 0.3)
    )

    assert deep > 2 * flat > 0


def test_folds_are_dark_and_light():
    shade = folds.sampled_shade({9: 5.0}, {9: 5.0}, np.random.default_rng(2), gain=1.0)

    assert shade.min() < -0.05
    assert shade.max() > 0.02


@pytest.mark.parametrize("seed", range(4))
def test_age_draws_lines_without_an_action(seed):
    assert np.abs(folds.sampled_age_shade(np.random.default_rng(seed), gain=0.6)).max() > 0.02


def test_a_shade_lies_on_the_face_alone(face, by):
    shade = np.full((384, 320), -0.5, np.float32)
    image = np.full_like(face.image, 200)

    shaded = folds.shaded(image, shade, places_cm=by.places_cm, on=face.grid)

    column, row = face.points_xy[4].astype(int)
    assert shaded[row, column, 0] == pytest.approx(100, abs=2)
    assert (shaded[:4] == 200).all()
