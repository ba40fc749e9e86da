"""Turning pictures upright: the eight matrices, and those that are none of them."""

import struct

import numpy as np
import pytest

from rtau.sources.orientation import Orientation, orientation_from_matrix

# Letters of a 2 x 3 picture, as stored.
STORED = np.array([list("abc"), list("def")])
# What a viewer sees, worked out by hand from x' = a x + c y, y' = b x + d y.
SEEN = {
    Orientation.STORED: ["abc", "def"],
    Orientation.CLOCKWISE: ["da", "eb", "fc"],
    Orientation.HALF_TURN: ["fed", "cba"],
    Orientation.COUNTER_CLOCKWISE: ["cf", "be", "ad"],
    Orientation.MIRRORED: ["cba", "fed"],
    Orientation.FLIPPED: ["def", "abc"],
    Orientation.TRANSPOSED: ["ad", "be", "cf"],
    Orientation.ANTI_TRANSPOSED: ["fc", "eb", "da"],
}


def matrix(a, b, c, d, *, unit=65536):
    return struct.pack("=9i", *(round(v * unit) for v in (a, b, 0, c, d, 0, 0, 0)), 1 << 30)


@pytest.mark.parametrize("orientation", Orientation)
def test_the_picture_comes_out_as_it_is_meant_to_be_seen(orientation):
    codes = np.vectorize(ord)(STORED).astype(np.uint8)[..., None].repeat(3, axis=2)
    upright = orientation.upright(codes)
    assert [[chr(c) for c in row] for row in upright[..., 0]] == [
        list(row) for row in SEEN[orientation]
    ]
    assert orientation.swaps_sides == (upright.shape[:2] == (3, 2))


@pytest.mark.parametrize("orientation", Orientation)
@pytest.mark.parametrize("unit", [65536, 32768, 131072])
def test_a_matrix_is_recognised_whatever_its_scale(orientation, unit):
    assert orientation_from_matrix(matrix(*orientation.value, unit=unit)) is orientation


@pytest.mark.parametrize("slanted", [(0.7, 0.7, -0.7, 0.7), (0, 0, 0, 0), (1, 1, 1, 1)])
def test_a_slanted_or_empty_matrix_is_none_of_them(slanted):
    assert orientation_from_matrix(matrix(*slanted)) is None


def test_a_stored_picture_is_passed_on_without_a_copy():
    image = np.zeros((2, 3, 3), np.uint8)
    assert Orientation.STORED.upright(image) is image
