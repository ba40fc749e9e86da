import gc
import itertools
import weakref
from fractions import Fraction

import av
import numpy as np
import pytest

from rtau.data import Frame, Planes
from rtau.sources.pictures import PictureMaker
from rtau.sources.video_file import VideoFileSource
from tests.support.commands import EXAMPLE
from tests.support.planes import TAGS, coded, planes_from, smooth_bgr, smooth_planes


@pytest.mark.parametrize(("kind", "matrix", "span"), TAGS)
def test_the_matrix_gives_the_colours_that_swscale_gives(kind, matrix, span):
    # Of an odd size swscale takes its exact path; of an even one it rounds down.
    planes = smooth_planes(641, 361, kind=kind, matrix=matrix, span=span)
    of_pixels = [np.repeat(np.repeat(one, 2, axis=0), 2, axis=1) for one in (planes.u, planes.v)]
    yuv = np.stack([planes.y, *(one[:361, :641] for one in of_pixels), np.ones_like(planes.y)], -1)

    rgb = np.clip(yuv @ planes.rgb_from_yuv.T, 0, 255)

    off = rgb - planes.image_bgr[..., ::-1]
    assert np.abs(off.mean(axis=(0, 1))).max() < 1
    assert np.percentile(np.abs(off), 99) < 6


@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 48), (64, 49), (65, 49), (2, 2)])
def test_planes_are_of_the_frame_without_the_padding_of_its_rows(width, height):
    planes = planes_from(coded(smooth_bgr(width, height)))
    assert planes.y.shape == (height, width)
    assert planes.u.shape == planes.v.shape == ((height + 1) // 2, (width + 1) // 2)
    assert planes.image_bgr.shape == (height, width, 3)


def test_the_planes_are_the_decoders_memory_and_nobody_can_write_into_it():
    frame = coded(smooth_bgr(64, 48))
    planes = planes_from(frame)
    assert np.shares_memory(planes.y, np.frombuffer(frame.planes[0], np.uint8))
    for plane in (planes.y, planes.u, planes.v, planes.image_bgr):
        with pytest.raises(ValueError, match="read-only"):
            plane[0, 0] = 0


def test_the_memory_lives_as_long_as_the_planes_and_no_longer():
    frame = coded(smooth_bgr(64, 48))
    planes = planes_from(frame)
    before = planes.y.copy()
    held = weakref.ref(planes)
    del frame
    gc.collect()
    np.testing.assert_array_equal(planes.y, before)
    gc.disable()  # what only the collector frees would pile up in a run
    try:
        del planes
        assert held() is None
    finally:
        gc.enable()


def test_it_is_converted_once_and_only_when_asked():
    calls = []
    of = smooth_planes(64, 48)

    def convert():
        calls.append(1)
        return np.zeros((48, 64, 3), np.uint8)

    planes = Planes(y=of.y, u=of.u, v=of.v, rgb_from_yuv=of.rgb_from_yuv, convert=convert)
    frame = Frame(index=0, time_s=0.0, picture=planes)
    assert (frame.width, frame.height, calls) == (64, 48, [])
    assert frame.image_bgr is frame.image_bgr
    assert calls == [1]


@pytest.mark.parametrize(
    ("kind", "matrix"), [("yuv444p", 1), ("yuv422p", 1), ("nv12", 1), ("yuv420p10le", 1)]
)
def test_other_formats_are_converted(kind, matrix):
    frame = coded(smooth_bgr(64, 48), kind=kind, matrix=matrix)
    assert isinstance(PictureMaker(name="test").picture(frame, aspect=None), np.ndarray)


def test_another_matrix_is_converted():
    frame = coded(smooth_bgr(64, 48), matrix=9)
    assert isinstance(PictureMaker(name="test").picture(frame, aspect=None), np.ndarray)


def test_what_has_to_be_stretched_is_converted():
    frame = coded(smooth_bgr(64, 48))
    picture = PictureMaker(name="test").picture(frame, aspect=Fraction(4, 3))
    assert isinstance(picture, np.ndarray)
    assert picture.shape == (48, 85, 3)


def test_hdr_is_converted():
    frame = coded(smooth_bgr(64, 48))
    frame.color_trc = 18
    assert isinstance(PictureMaker(name="test").picture(frame, aspect=None), np.ndarray)


def test_a_frame_of_another_size_is_fitted_and_the_next_keeps_its_planes():
    maker = PictureMaker(name="test")
    assert isinstance(maker.picture(coded(smooth_bgr(64, 48)), aspect=None), Planes)
    odd = maker.picture(coded(smooth_bgr(32, 32)), aspect=None)
    assert isinstance(odd, np.ndarray)
    assert odd.shape == (48, 64, 3)
    assert isinstance(maker.picture(coded(smooth_bgr(64, 48)), aspect=None), Planes)


def test_decoded_pictures_do_not_wait_for_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        before = decoded_frames()  # of fixtures that other tests share
        with VideoFileSource(EXAMPLE) as source:
            for _ in itertools.islice(source, 12):
                pass
            decoded = decoded_frames() - before
    finally:
        gc.enable()
    # The one at hand, and those that the decoder gave out together with it.
    assert decoded <= 3


def decoded_frames():
    """Returns how many frames of PyAV there are."""
    return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
