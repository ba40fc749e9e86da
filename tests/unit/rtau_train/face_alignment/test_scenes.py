import numpy as np
import pytest

from rtau_train.face_alignment import scenes


@pytest.mark.parametrize("kind", scenes.KINDS)
def test_a_scene_depends_on_its_seed_and_number_only(kind):
    first = scenes.drawn_scene(kind, seed=1, index=4)
    assert first.dtype == np.uint8
    assert first.shape == (scenes.SIZE_PX, scenes.SIZE_PX)
    assert np.array_equal(first, scenes.drawn_scene(kind, seed=1, index=4))
    assert not np.array_equal(first, scenes.drawn_scene(kind, seed=1, index=5))
    assert not np.array_equal(first, scenes.drawn_scene(kind, seed=2, index=4))
