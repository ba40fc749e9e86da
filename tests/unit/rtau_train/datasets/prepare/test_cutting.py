import dataclasses

import cv2
import numpy as np
import pytest

from rtau.config import RunConfig
from rtau.contract import CropRule
from rtau.data import Faces, Frame
from rtau.faces import crops
from rtau.runs.build import build_tracker
from rtau_train.datasets.prepare.cutting import (
    Cutter,
    NoCropError,
    encoded,
    most_prominent,
    pixels_of,
)
from rtau_train.datasets.prepare.landmarks import in_crop
from rtau_train.datasets.prepare.listing import SourceImage
from tests.support.prepared import CROPS_48, CUT_64, renders, write_picture
from tests.support.standin_scenes import scene

RULE = CropRule("haar", 1.2, 0.0, 0.1)
# Renders that Haar finds, of different people.
FOUND = (0, 1, 4)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Files of scenes, and the landmarks in them."""
    folder, made = tmp_path_factory.mktemp("scenes"), []
    for index in FOUND:
        picture, points = scene(renders()[index], np.random.default_rng(index))
        path = folder / f"{index}.png"
        assert cv2.imwrite(str(path), picture)
        made.append((SourceImage(path.name, path), points))
    return made


def square_of(crop):
    """Returns the square on the middle of a crop, as wide as it, without its turn."""
    x, y = crop.image_from_crop @ (32, 32, 1)
    half = 32 * np.hypot(*crop.image_from_crop[:, 0])
    return [round(float(edge)) for edge in (x - half, y - half, x + half, y + half)]


def frame_of(path):
    return Frame(index=0, time_s=0.0, picture=cv2.imread(str(path)))


def test_crops_are_those_the_runtime_cuts(scenes):
    cutter = Cutter(dataclasses.replace(CUT_64, crop=RULE))
    for image, _ in scenes:
        frame = frame_of(image.path)
        found = build_tracker(RunConfig(), is_sequence=False).track(frame).faces
        expected = crops.cut(frame, found, rule=RULE, size=64)

        crop = cutter.cut(image)

        assert len(expected.images_rgb) == 1
        np.testing.assert_array_equal(crop.image_rgb, expected.images_rgb[0])
        assert crop.faces == 1


def test_the_map_says_where_the_crop_is_from(scenes):
    for image, points in scenes:
        crop = Cutter(CUT_64).cut(image)

        again = crops.warp_crop(cv2.imread(str(image.path)), crop.image_from_crop, size=64)
        np.testing.assert_allclose(again[..., ::-1], crop.image_rgb, atol=1)
        inside = in_crop(points, crop.image_from_crop, size_px=64)
        assert (inside.mean(axis=0) > 16).all()
        assert (inside.mean(axis=0) < 56).all()


def test_a_tilted_head_is_upright_in_its_crop(scenes, tmp_path):
    image, points = scenes[0]
    upright = cv2.imread(str(image.path))
    height, width = upright.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -25, 0.8)
    path = tmp_path / "tilted.png"
    assert cv2.imwrite(str(path), cv2.warpAffine(upright, turn, (width, height)))
    tilted = (points @ turn[:, :2].T + turn[:, 2]).astype(np.float32)

    crop = Cutter(CUT_64).cut(SourceImage("tilted", path))

    inside = in_crop(tilted, crop.image_from_crop, size_px=64)
    eyes = inside[42:48].mean(axis=0) - inside[36:42].mean(axis=0)
    before = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
    assert abs(np.degrees(np.arctan2(*eyes[::-1]))) < 8 + abs(np.degrees(np.arctan2(*before[::-1])))


def test_grey_and_16_bit_images_are_cut_too(scenes, tmp_path):
    image, _ = scenes[0]
    grey = cv2.imread(str(image.path), cv2.IMREAD_GRAYSCALE)
    paths = tmp_path / "8.png", tmp_path / "16.png"
    assert cv2.imwrite(str(paths[0]), grey)
    assert cv2.imwrite(str(paths[1]), grey.astype(np.uint16) * 257)

    made = [Cutter(CUT_64).cut(SourceImage(path.name, path)).image_rgb for path in paths]

    assert made[0].shape == (64, 64, 3)
    np.testing.assert_array_equal(made[0], made[1])


def test_an_image_without_a_face_is_refused(tmp_path):
    path = write_picture(tmp_path / "wall.png", (240, 320, 3))

    with pytest.raises(NoCropError, match=r"^no face found$"):
        Cutter(CUT_64).cut(SourceImage(path.name, path))


def test_a_face_under_the_least_presence_is_refused(scenes):
    image, _ = scenes[0]
    with pytest.raises(NoCropError, match="no face found"):
        Cutter(dataclasses.replace(CUT_64, least_score=1.0)).cut(image)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "there is no such file; check the path"),
        (b"no picture", r"not an image that can be read \(10 bytes\)"),
        (b"\xff\xd8\xff\xda", "the image is cut off; copy the file again"),
    ],
)
def test_an_unreadable_image_is_refused_without_its_path(tmp_path, data, said):
    path = tmp_path / "a.jpg"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(NoCropError, match=f"^{said}"):
        pixels_of(SourceImage("a.jpg", path))


def boxes(*squares):
    xyxy = np.array([[x, y, x + side, y + side] for x, y, side in squares], np.float32)
    return Faces(boxes_xyxy=xyxy)


def test_the_largest_face_near_the_centre_is_taken():
    frame = Frame(index=0, time_s=0.0, picture=np.zeros((480, 640, 3), np.uint8))

    behind, subject = (300, 60, 80), (220, 140, 200)
    assert most_prominent(boxes(behind, subject), frame) == 1
    corner, centre = (0, 280, 200), (230, 150, 180)
    assert most_prominent(boxes(corner, centre), frame) == 1
    assert most_prominent(boxes(subject), frame) == 0


def test_images_that_are_crops_keep_their_pixels():
    pixels = np.arange(48 * 48, dtype=np.uint16).astype(np.uint8).reshape(48, 48)
    image = SourceImage("1", path=None, pixels=pixels)

    crop = Cutter(CROPS_48).cut(image)

    for channel in range(3):
        np.testing.assert_array_equal(crop.image_rgb[..., channel], pixels)
    assert crop.image_from_crop.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_images_that_are_crops_are_brought_to_size_if_they_are_square(tmp_path):
    path = write_picture(tmp_path / "a.png", (96, 96, 3))
    assert Cutter(CROPS_48).cut(SourceImage("a", path)).image_rgb.shape == (48, 48, 3)

    write_picture(path, (48, 40, 3))
    with pytest.raises(NoCropError, match="must be square, got 40 x 48 px"):
        Cutter(CROPS_48).cut(SourceImage("a", path))


def test_png_keeps_every_pixel_and_jpeg_nearly():
    ramp = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)

    png, jpeg = (
        cv2.imdecode(np.frombuffer(encoded(ramp, suffix), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        for suffix in (".png", ".jpg")
    )

    np.testing.assert_array_equal(png, ramp)
    np.testing.assert_allclose(jpeg, ramp, atol=12)


def test_a_border_finds_a_face_that_fills_the_picture(scenes, tmp_path):
    image, _ = scenes[1]  # its presence is far from the limit: the border alone decides
    plain = Cutter(CUT_64).cut(image)
    x0, y0, x1, y1 = square_of(plain)
    close = tmp_path / "close.png"
    assert cv2.imwrite(str(close), cv2.imread(str(image.path))[y0:y1, x0:x1])

    crop = Cutter(dataclasses.replace(CUT_64, border=1 / 3)).cut(SourceImage("close", close))

    side = y1 - y0
    np.testing.assert_allclose(square_of(crop), [0, 0, side, side], atol=0.1 * side)
