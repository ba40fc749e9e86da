import numpy as np
import pytest

from rtau_train.card.robustness import changes
from rtau_train.evaluation.evaluate import cut_plain
from tests.support.training import small_recipe

CHANGES = changes(112)


@pytest.fixture(scope="module")
def crop(data):
    small = cut_plain(data, np.array([2]), small_recipe())[0]
    return np.ascontiguousarray(np.kron(small, np.ones((2, 2, 1), np.uint8)))


def changed(crop, word):
    (name,) = (name for name in CHANGES if word in name)
    return CHANGES[name](crop)


def test_the_first_change_is_none(crop):
    assert next(iter(CHANGES)) == ""
    np.testing.assert_array_equal(CHANGES[""](crop), crop)


@pytest.mark.parametrize("name", [name for name in CHANGES if name])
def test_a_change_is_another_picture_of_the_same_kind_every_time_the_same(crop, name):
    before = crop.copy()
    once = CHANGES[name](crop)

    assert (once.shape, once.dtype) == (crop.shape, np.uint8)
    assert (once != crop).any()
    np.testing.assert_array_equal(once, CHANGES[name](crop))
    np.testing.assert_array_equal(crop, before)


def test_each_change_does_what_its_name_says(crop):
    def roughness(picture):
        return np.abs(np.diff(picture.astype(float), axis=1)).mean()

    assert roughness(changed(crop, "blur")) < roughness(crop)
    assert roughness(changed(crop, "32 px")) < roughness(changed(crop, "64 px"))
    np.testing.assert_allclose(changed(crop, "darkened"), crop * 0.3, atol=0.51)
    grey = changed(crop, "colour")
    assert (grey == grey[..., :1]).all()


def test_jpeg_keeps_red_red():
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200

    assert changed(red, "JPEG").mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=5)


def test_a_crop_is_not_shrunk_to_its_own_size_or_more():
    assert sum("px" in name for name in changes(112)) == 2
    assert sum("px" in name for name in changes(64)) == 1
    assert sum("px" in name for name in changes(32)) == 0
