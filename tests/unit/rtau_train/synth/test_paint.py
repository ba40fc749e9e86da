import numpy as np
import pytest

from rtau_train.synth import paint
from rtau_train.synth.wrinkles import MAP_SIZE, to_map
from tests.support.made_up_head import landmarks_cm


@pytest.fixture(scope="module")
def masks():
    return paint.face_masks(landmarks_cm())


def at(mask, x, y):
    column, row = to_map(x, y)
    return float(mask[int(row), int(column)])


def test_regions_are_where_they_belong(masks):
    assert at(masks.lips, 0, -3.4) > 0.9
    assert at(masks.lips, 0, 0) < 0.05
    assert at(masks.eyes, 3.2, 4.3) > 0.5
    assert at(masks.cheeks, -4.2, -0.2) > 0.9
    moustache, chin, jaw, _ = masks.beard
    assert at(moustache, 0.8, -2.1) > 0.5
    assert at(chin, 0, -6) > 0.8
    assert at(jaw, 6, -3) > 0.5


def test_beards_leave_lips_forehead_and_nose_bare(masks):
    full = paint.stubble(masks, (1, 1, 1, 1))

    assert at(full, 0, -3.4) < 0.1
    assert at(full, 0, 8) < 0.01
    assert at(full, 0, 1) < 0.05


def test_no_beard_is_no_beard(masks):
    assert not paint.stubble(masks, (0, 0, 0, 0)).any()


def test_freckles_darken(masks):
    many = paint.blemishes(masks, np.random.default_rng(0), freckles=40, blush=0)
    none = paint.blemishes(masks, np.random.default_rng(0), freckles=0, blush=0)

    assert many.shape == MAP_SIZE[::-1]
    assert (many - none).min() < -0.1
    assert (many - none).max() <= 1e-6
