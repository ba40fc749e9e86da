"""Fitting pictures to one size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.sources.pictures import fitted

sides = st.integers(1, 40)


def test_the_right_size_is_passed_on_without_a_copy():
    image = np.zeros((3, 4, 3), np.uint8)
    assert fitted(image, width=4, height=3) is image


@pytest.mark.parametrize(("width", "height"), [(40, 10), (10, 40)])
def test_the_picture_is_whole_centred_and_the_rest_black(width, height):
    shown = fitted(np.full((10, 10, 3), 200, np.uint8), width=width, height=height)
    assert shown.shape == (height, width, 3)
    bright = np.argwhere(shown[..., 0] > 0)
    assert bright.min(axis=0).tolist() == [(height - 10) // 2, (width - 10) // 2]
    assert len(bright) == 100


@given(sides, sides, sides, sides)
def test_any_size_fits_any_other(have_width, have_height, width, height):
    image = np.full((have_height, have_width, 3), 255, np.uint8)
    shown = fitted(image, width=width, height=height)
    assert shown.shape == (height, width, 3)
    assert shown.max() == 255
