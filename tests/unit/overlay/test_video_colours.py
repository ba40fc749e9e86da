import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from rtau.overlay.video_colours import in_bgr, is_video_coded, video_planes, write_planes
from tests.support.planes import smooth_bgr, smooth_planes


def yuv420p(image):
    """The planes one after the other, as PyAV shows them: uint8 (H * 3 / 2, W)."""
    height, width = image.shape[:2]
    half = (height // 2, width // 2)
    y, u, v = (
        np.empty((height, width), np.uint8),
        np.empty(half, np.uint8),
        np.empty(half, np.uint8),
    )
    write_planes(image, y=y, u=u, v=v)
    return np.concatenate([plane.ravel() for plane in (y, u, v)]).reshape(-1, width)


@pytest.mark.parametrize(("width", "height"), [(2, 2), (64, 50), (66, 48), (642, 360)])
def test_the_planes_are_those_of_swscale(width, height):
    image = smooth_bgr(width, height)
    wanted = (
        av.VideoFrame.from_ndarray(image, format="bgr24")
        .reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        .to_ndarray()
    )
    got = yuv420p(image)
    assert got.shape == wanted.shape == (height * 3 // 2, width)
    assert np.abs(got.astype(int) - wanted).mean() < 1
    # In the colours of two pixels side by side the two round differently.
    assert np.percentile(np.abs(got.astype(int) - wanted), 99) <= (2 if width > 2 else 60)


@pytest.mark.parametrize(
    ("bgr", "yuv"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 255), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((255, 0, 0), (32, 240, 118)),
    ],
)
def test_pure_colours_have_the_numbers_of_the_standard(bgr, yuv):
    planes = yuv420p(np.full((4, 6, 3), bgr, np.uint8))
    y, u, v = planes[:4], planes.ravel()[24:30], planes.ravel()[30:]
    for plane, wanted in zip((y, u, v), yuv, strict=True):
        assert np.abs(plane.astype(int) - wanted).max() <= 1


def test_each_colour_is_the_mean_of_its_four_pixels():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 0, 0, 255
    planes = yuv420p(image).ravel()
    assert planes[:4].tolist() == [63, 16, 16, 16]
    assert planes[4:].tolist() == pytest.approx([128 - 26 / 4, 128 + 112 / 4], abs=1)


def test_a_picture_that_nobody_may_write_to_is_read():
    image = smooth_bgr(64, 48)
    image.flags.writeable = False
    assert yuv420p(image).shape == (72, 64)


def test_there_and_back_is_the_same_picture():
    few = smooth_bgr(12, 9)
    image = np.repeat(np.repeat(few, 8, axis=0), 8, axis=1)  # no value of colour has an edge in it
    planes = yuv420p(image).ravel()
    y, rest = planes[: 72 * 96].reshape(72, 96), planes[72 * 96 :]
    u, v = rest.reshape(2, 36, 48)
    back = in_bgr(video_planes(y, u, v))

    assert back.shape == image.shape
    assert not back.flags.writeable
    inner = np.s_[4::8, 4::8]  # between them the way back is smooth
    assert np.abs(back[inner].astype(int) - image[inner]).max() <= 4


def test_a_picture_in_bgr_is_what_it_is():
    image = smooth_bgr(8, 6)
    assert in_bgr(image) is image


@pytest.mark.parametrize(
    ("matrix", "span", "width", "expected"),
    [(1, 1, 64, True), (2, 0, 64, False), (1, 2, 64, False), (5, 1, 64, False), (1, 1, 65, False)],
)
def test_what_is_coded_as_annotated_video_is(matrix, span, width, expected):
    """Untagged video as small as this is BT.601, for every player."""
    assert is_video_coded(smooth_planes(width, 48, matrix=matrix, span=span)) == expected
