import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtau import geometry
from rtau.contract import CropRule
from rtau.data import Faces, Frame, Planes
from rtau.faces import crops
from rtau.faces.crops import MIN_SQUARE_PX, cut, warp_square
from rtau.squares import FaceSquares, Square, frame_from_crop
from tests.support.planes import smooth_planes

PLAIN = CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0)


def frame_of(image_bgr):
    return Frame(index=0, time_s=0.0, picture=image_bgr)


def faces_at(*boxes_xyxy):
    return Faces(boxes_xyxy=np.array(boxes_xyxy, np.float32).reshape(-1, 4))


def ramp(width, height):
    """An image whose blue is x and whose green is y of each pixel's centre."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(width)[None, :]
    image[..., 1] = np.arange(height)[:, None]
    return image


def test_a_crop_at_its_own_size_is_the_pixels_themselves():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)

    crops = cut(frame_of(image), faces_at((20, 10, 84, 74)), rule=PLAIN, size=64)

    np.testing.assert_array_equal(crops.images_rgb[0], image[10:74, 20:84, ::-1])


@given(
    x0=st.floats(-5, 120),
    y0=st.floats(-5, 100),
    side=st.floats(10, 60),
)
@settings(max_examples=60, deadline=None)
def test_the_map_says_where_each_crop_pixel_came_from(x0, y0, side):
    image = ramp(200, 160)
    size = 48
    crops = cut(frame_of(image), faces_at((x0, y0, x0 + side, y0 + side)), rule=PLAIN, size=size)
    centre = np.array([[[size / 2, size / 2]]], np.float32)

    x, y = geometry.apply(crops.frame_from_crop, centre)[0, 0]

    # Between the four pixels around the crop's centre lies the frame point (x, y); the ramp's
    # value at a point is its coordinate less half a pixel.
    middle = crops.images_rgb[0, size // 2 - 1 : size // 2 + 1, size // 2 - 1 : size // 2 + 1]
    assert middle[..., 2].mean() == pytest.approx(np.clip(x - 0.5, 0, 199), abs=1.0)
    assert middle[..., 1].mean() == pytest.approx(np.clip(y - 0.5, 0, 159), abs=1.0)


@given(
    x0=st.floats(-60, 250),
    y0=st.floats(-60, 180),
    side=st.floats(10, 240),
    width=st.sampled_from([320, 321]),
    height=st.sampled_from([240, 241]),
)
@settings(max_examples=60, deadline=None)
def test_planes_are_cut_as_the_picture_they_stand_for(x0, y0, side, width, height):
    planes = smooth_planes(width, height)
    faces = faces_at((x0, y0, x0 + side, y0 + side))

    of_planes = cut(frame_of(planes), faces, rule=PLAIN, size=64)
    of_bgr = cut(frame_of(planes.image_bgr), faces, rule=PLAIN, size=64)

    np.testing.assert_array_equal(of_planes.frame_from_crop, of_bgr.frame_from_crop)
    off = np.abs(of_planes.images_rgb.astype(int) - of_bgr.images_rgb)
    # Of 12,000 crops none is off by more than 9 anywhere, or by 3.4 in the mean; where a plane is
    # out of place by one value, every second is off by more than 10.
    assert off.max(initial=0) <= 10
    assert not len(of_bgr) or off.mean() < 4


def test_a_cut_converts_no_picture():
    of = smooth_planes(320, 240)

    def convert():
        raise AssertionError("converted")

    planes = Planes(y=of.y, u=of.u, v=of.v, rgb_from_yuv=of.rgb_from_yuv, convert=convert)
    assert len(cut(frame_of(planes), faces_at((20, 20, 200, 200)), rule=PLAIN, size=64)) == 1


def test_the_rule_moves_and_grows_the_square():
    rule = CropRule(detector="haar", expand=1.5, offset_x=0.1, offset_y=-0.2)

    crops = cut(frame_of(ramp(200, 200)), faces_at((50, 60, 90, 100)), rule=rule, size=30)

    # Box 40 px wide about (70, 80): centre to (74, 72), side to 60.
    np.testing.assert_allclose(crops.frame_from_crop[0], [[2, 0, 44], [0, 2, 42]])


def test_a_tiny_or_outside_face_is_absent_and_the_rows_say_so():
    tiny = (10, 10, 10 + MIN_SQUARE_PX - 1, 10 + MIN_SQUARE_PX - 1)
    outside = (300, 300, 340, 340)
    good = (20, 20, 60, 60)

    crops = cut(frame_of(ramp(100, 100)), faces_at(tiny, good, outside), rule=PLAIN, size=32)

    assert crops.face_rows.tolist() == [1]
    assert len(crops) == 1


def test_no_faces_give_no_crops():
    crops = cut(frame_of(ramp(50, 50)), faces_at(), rule=PLAIN, size=32)

    assert crops.images_rgb.shape == (0, 32, 32, 3)


@given(
    x=st.floats(-1e5, 1e5),
    y=st.floats(-1e5, 1e5),
    side=st.floats(8, 4000),
    roll=st.floats(-math.pi, math.pi),
    size=st.sampled_from([16, 64]),
)
@settings(deadline=None)
def test_a_square_anywhere_has_a_crop_of_the_picture_and_its_border(x, y, side, roll, size):
    """A face that leaves the frame is still looked for where it was going."""
    left, right = 40, 200
    image = np.full((90, 160), left, np.uint8)
    image[:, 80:] = right
    square = FaceSquares.of([Square(x, y, side, roll)])

    crop = crops.warp_crop(image, frame_from_crop(square, size=size, expand=1.6)[0], size=size)

    assert crop.shape == (size, size)
    reach = 1.6 * side
    # A crop of few pixels shows the mean of what stands beside the border.
    if reach < 32 * size:
        assert x + reach >= 0 or (crop == left).all()
        assert x - reach <= 160 or (crop == right).all()


def test_parts_outside_the_frame_repeat_its_border():
    image = np.full((40, 40, 3), 200, np.uint8)

    crops = cut(frame_of(image), faces_at((-30, -30, 30, 30)), rule=PLAIN, size=32)

    assert np.all(crops.images_rgb == 200)


@pytest.mark.parametrize("side", [199, 200, 201, 400, 637])
def test_a_large_face_is_averaged_not_aliased(side):
    """A fine chequerboard has no detail at a tenth of its size: the crop must be even grey."""
    image = np.zeros((700, 700, 3), np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 255

    crop = warp_square(image, np.array([20, 20, 20 + side, 20 + side], np.float32), size=32)

    assert abs(float(crop.mean()) - 127.5) < 3
    assert float(crop.std()) < 16


def test_shrinking_keeps_the_place():
    image = cv2.GaussianBlur(ramp(250, 250), (0, 0), 1)
    square = np.array([10.5, 21.25, 210.5, 221.25], np.float32)

    crop = warp_square(image, square, size=40)

    x, y = crop[20, 20, 0], crop[20, 20, 1]
    at = geometry.apply(
        geometry.frame_from_crop(square[None], size=40), np.array([[[20.5, 20.5]]], np.float32)
    )[0, 0]
    assert [x, y] == pytest.approx((at - 0.5).tolist(), abs=1.0)
