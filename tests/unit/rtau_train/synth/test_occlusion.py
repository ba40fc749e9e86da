import collections

import numpy as np
import pytest

from rtau_train.synth import occlusion
from tests.support.made_up_head import landmarks_cm

SIZE = 120
FACE = landmarks_cm()[:, :2] * [4, -4] + SIZE / 2
SKIN, HAIR = np.array([0.8, 0.6, 0.5]), np.array([0.2, 0.1, 0.05])
GREY = np.full((SIZE, SIZE, 3), 0.5, np.float32)


def with_a(kind, seed):
    rng = np.random.default_rng(seed)
    return occlusion.occluded(GREY, FACE, rng, kind=kind, skin=SKIN, hair=HAIR)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", occlusion.KINDS)
def test_something_is_in_front_and_the_rest_is_untouched(kind, seed):
    image = with_a(kind, seed)
    changed = np.abs(image - GREY).max(axis=2) > 0.02

    assert image.shape == GREY.shape
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert 0.001 < changed.mean() < 0.7


def test_most_faces_are_free():
    rng = np.random.default_rng(0)
    counts = collections.Counter(occlusion.sampled_occluder(rng) for _ in range(2000))

    assert counts.keys() == {*occlusion.KINDS, "none"}
    assert counts["none"] > 1600


def test_nothing_changes_nothing():
    assert with_a("none", 0) is GREY


def test_a_hand_has_the_colour_of_the_skin():
    image = with_a("hand", 2)
    changed = np.abs(image - GREY).max(axis=2) > 0.1

    red, _, blue = image[changed].mean(axis=0)
    assert red > blue
