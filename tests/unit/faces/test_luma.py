import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau.data import Frame, Planes
from rtau.faces.luma import averaged_grey
from tests.support.planes import TAGS, smooth_planes


def frame_of(picture):
    return Frame(index=0, time_s=0.0, picture=picture)


@given(
    factor=st.integers(1, 9),
    x0=st.integers(0, 40),
    y0=st.integers(0, 30),
    columns=st.integers(1, 6),
    rows=st.integers(1, 6),
    rest=st.integers(0, 8),
)
@settings(max_examples=60, deadline=None)
def test_every_pixel_is_the_mean_of_its_own(factor, x0, y0, columns, rows, rest):
    image = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)
    image[:] = image[:, :, :1]  # grey, of which grey is known
    rest = min(rest, factor - 1)
    part = (x0, y0, x0 + columns * factor + rest, y0 + rows * factor + rest)

    grey = averaged_grey(frame_of(image), part, factor=factor)

    own = image[y0 : y0 + rows * factor, x0 : x0 + columns * factor, 0].astype(float)
    means = own.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    np.testing.assert_allclose(grey, means, atol=1.6)  # rounded up to three times


def test_a_frame_smaller_than_a_pixel_makes_one():
    image = np.full((3, 50, 3), 70, np.uint8)
    np.testing.assert_array_equal(
        averaged_grey(frame_of(image), (0, 0, 50, 3), factor=8), np.full((1, 6), 70)
    )


@pytest.mark.parametrize(("kind", "matrix", "span"), TAGS)
def test_planes_are_as_bright_as_the_picture_they_stand_for(kind, matrix, span):
    planes = smooth_planes(160, 120, kind=kind, matrix=matrix, span=span)
    grey = averaged_grey(frame_of(planes), (0, 0, 160, 120), factor=4)
    of_bgr = averaged_grey(frame_of(planes.image_bgr), (0, 0, 160, 120), factor=4)
    # BT.709 weighs colours otherwise than the grey of a BGR picture does.
    assert np.abs(grey.astype(int) - of_bgr).mean() < (8 if matrix == 1 else 2)


def test_black_and_white_are_0_and_255():
    of = smooth_planes(64, 48)
    for value, wanted in ((0, 0), (16, 0), (235, 255), (255, 255)):
        planes = Planes(
            y=np.full_like(of.y, value),
            u=of.u,
            v=of.v,
            rgb_from_yuv=of.rgb_from_yuv,
            convert=of.convert,
        )
        grey = averaged_grey(frame_of(planes), (0, 0, 64, 48), factor=2)
        assert set(grey.ravel().tolist()) == {wanted}


def test_full_range_is_handed_on_without_a_copy():
    planes = smooth_planes(64, 48, span=2)
    grey = averaged_grey(frame_of(planes), (8, 4, 24, 20))
    assert np.shares_memory(grey, planes.y)
    np.testing.assert_array_equal(grey, planes.y[4:20, 8:24])


def test_no_picture_is_converted_for_its_brightness():
    of = smooth_planes(64, 48)

    def convert():
        raise AssertionError("converted")

    planes = Planes(y=of.y, u=of.u, v=of.v, rgb_from_yuv=of.rgb_from_yuv, convert=convert)
    assert averaged_grey(frame_of(planes), (0, 0, 64, 48), factor=4).shape == (12, 16)
