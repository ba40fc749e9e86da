"""What a person has in hand becomes the same picture, or a line that says how to convert it."""

import io
import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rtau.errors import SourceOpenError, UsageError
from rtau.sources.image_input import picture_from

BGR = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
RGB = BGR[:, :, ::-1]
GREY = BGR[:, :, 0]

pictures = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=3, max_dims=3, min_side=5, max_side=9).map(
        lambda shape: (*shape[:2], 3)
    )
)  # fmt: skip


def same(image, wanted, **options):
    got = picture_from(image, **options)
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, wanted)


@given(pictures, st.sampled_from(["int16", "int32", "int64", "uint32", "uint64", "uint8"]))
def test_integers_of_any_width_hold_0_to_255(image, kind):
    same(image.astype(kind), image)


@given(pictures, st.sampled_from(["float16", "float32", "float64"]))
def test_floats_hold_0_to_1_and_come_back_as_they_were(image, kind):
    same((image / 255).astype(kind), image)


@given(pictures)
def test_16_bits_hold_their_full_range(image):
    lifted = image.astype(np.uint16) * 257
    lifted[0, 0] = 65535
    wanted = image.copy()
    wanted[0, 0] = 255
    same(lifted, wanted)


@given(pictures)
def test_colour_order_is_as_said_and_alpha_is_dropped(image):
    alpha = np.full((*image.shape[:2], 1), 7, np.uint8)
    same(image[:, :, ::-1], image, color="rgb")
    same(np.concatenate([image, alpha], axis=2), image)
    same(np.concatenate([image[:, :, ::-1], alpha], axis=2), image, color="rgb")


@given(pictures)
def test_views_of_other_arrays_are_taken_as_they_look(image):
    same(image[::2, ::-1], np.ascontiguousarray(image[::2, ::-1]))
    same(image.transpose(1, 0, 2), np.ascontiguousarray(image.transpose(1, 0, 2)))


@pytest.mark.parametrize("grey", [GREY, GREY[:, :, None]])
@pytest.mark.parametrize("color", ["bgr", "rgb"])
def test_grey_has_three_equal_channels(grey, color):
    same(grey, np.repeat(GREY[:, :, None], 3, axis=2), color=color)


def test_the_picture_is_a_copy_that_the_caller_cannot_change():
    image = BGR.copy()
    picture = picture_from(image)
    image[:] = 0
    np.testing.assert_array_equal(picture, BGR)


def test_paths_and_the_bytes_of_a_file_are_read(tmp_path):
    raw = cv2.imencode(".png", BGR)[1].tobytes()
    path = tmp_path / "a.png"
    path.write_bytes(raw)
    for image in (path, str(path), raw, bytearray(raw), memoryview(raw)):
        same(image, BGR, color="rgb")  # a file knows its own order


def test_bytes_that_are_no_image_are_refused():
    with pytest.raises(SourceOpenError, match="5 bytes: not an image that can be read"):
        picture_from(b"hello")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "L", "LA", "1", "I;16", "I", "F"])
def test_pil_images_of_every_mode_are_read(mode):
    image = pytest.importorskip("PIL.Image")
    flat = np.full((12, 16, 3), 255, np.uint8)
    if mode == "I;16":
        pil = image.fromarray(np.full((12, 16), 65535, np.uint16))
    elif mode == "F":
        pil = image.fromarray(np.ones((12, 16), np.float32))
    else:
        pil = image.fromarray(flat).convert(mode)
    same(pil, flat)


def test_a_pil_image_is_rgb_whatever_is_said_of_arrays():
    image = pytest.importorskip("PIL.Image").fromarray(np.ascontiguousarray(RGB))
    same(image, BGR, color="bgr")


def test_a_pil_image_is_turned_upright_by_its_exif_tag_as_the_file_is():
    image = pytest.importorskip("PIL.Image")
    pil = image.fromarray(np.ascontiguousarray(RGB))
    exif = pil.getexif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise
    stored = io.BytesIO()
    pil.save(stored, "PNG", exif=exif)
    same(image.open(io.BytesIO(stored.getvalue())), np.rot90(BGR, -1))


@pytest.mark.needs_torch
def test_cpu_tensors_come_with_channels_first_or_last():
    import torch  # noqa: PLC0415 - only where it is installed

    hwc = torch.from_numpy(BGR.copy())
    same(hwc, BGR)
    same(hwc.permute(2, 0, 1), BGR)
    same(hwc.permute(2, 0, 1).float() / 255, BGR)
    same(hwc[:, :, 0], np.repeat(GREY[:, :, None], 3, axis=2))
    with pytest.raises(UsageError, match=r"convert: image\.float\(\)"):
        picture_from(hwc.to(torch.bfloat16))
    with pytest.raises(UsageError, match=r"got one on meta; convert: image\.cpu\(\)"):
        picture_from(hwc.to("meta"))
    with pytest.raises(UsageError, match="may be either"):
        picture_from(torch.zeros(3, 9, 3))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (None, "got NoneType; convert: numpy.array(image)"),
        ([[1, 2], [3, 4]], "got list; convert: numpy.array(image)"),
        (np.zeros((3, 12, 16)), "got an array (3, 12, 16) of float64; convert: image.transpose"),
        (np.zeros((2, 12, 16, 3), np.uint8), "several images"),
        (np.zeros((0, 16, 3), np.uint8), "got an array (0, 16, 3) of uint8"),
        (np.zeros((12, 16, 2), np.uint8), "got an array (12, 16, 2) of uint8"),
        (np.zeros(99, np.uint8), "the bytes of a file: image.tobytes()"),
        (np.zeros((12, 16), bool), "convert: image.astype(numpy.uint8) * 255"),
        (np.zeros((12, 16), complex), "got an array of complex128"),
        (np.array([["a", "b"]]), "got an array of <U1"),
        (np.full((12, 16), 256), "must hold 0 to 255, got 256 to 256; convert: image.clip(0, 255)"),
        (np.full((12, 16), -1, np.int8), "must hold 0 to 255, got -1 to -1"),
        (np.full((12, 16), 65535), "convert: image.astype(numpy.uint16)"),
        (np.full((12, 16), 255.0), "must hold 0 to 1, got 255 to 255; convert: image / 255"),
        (np.full((12, 16), 1.1), "must hold 0 to 1, got 1.1 to 1.1; convert: numpy.clip"),
        (np.full((12, 16), -0.1), "convert: numpy.clip(image, 0, 1)"),
        (np.full((12, 16), np.nan), "convert: numpy.nan_to_num(image)"),
        (np.full((12, 16), 200, np.uint16), "(8 bits?); convert: image.astype(numpy.uint8)"),
        (np.full((12, 16), 1023, np.uint16), "(10 bits?); convert: (image >> 2).astype"),
    ],
)
def test_what_is_not_understood_gets_wanted_got_and_the_conversion(image, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        picture_from(image)


def test_an_unknown_colour_order_is_refused():
    with pytest.raises(UsageError, match='color must be "bgr" or "rgb", got \'RGB\''):
        picture_from(BGR, color="RGB")
