"""The blocks of image files: their end, further pictures, and the turn of an AVIF."""

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from rtau.sources.image_container import (
    animation_length,
    is_cut_off,
    more_pictures,
    stored_orientation,
)
from rtau.sources.images import ImageSource, decode_image
from rtau.sources.orientation import Orientation

EXIF_ORIENTATION = 0x112
PAGES = [Image.fromarray(np.full((48, 64, 3), 20 * k, np.uint8)) for k in range(5)]
MOVIE = b"\0\0\0\x18ftypmp42" + b"\x12\xff\xd9\x34" * 10 + b"\x56\xff\xda\x78" + bytes(64)


def saved(kind, pages=PAGES[:1], **options):
    """Returns the bytes of an image file, of several pages if there are any."""
    file = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}
    pages[0].save(file, kind, **more, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "webp", "avif", "gif"])
def test_the_pictures_of_an_animation_are_counted(kind):
    assert animation_length(saved(kind, PAGES, duration=40)) == 5
    assert animation_length(saved(kind)) == 1
    assert more_pictures(saved(kind, PAGES, duration=40)) == "an animation of 5 pictures"
    assert more_pictures(saved(kind)) == ""


@pytest.mark.parametrize("options", [{}, {"big_tiff": True}, {"compression": "tiff_lzw"}])
def test_the_pages_of_a_tiff_are_counted(options):
    assert more_pictures(saved("tiff", PAGES, **options)) == "5 pages"
    assert more_pictures(saved("tiff", **options)) == ""


def test_smaller_copies_in_a_tiff_are_no_pages():
    pages = [page.copy() for page in PAGES[:2]]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    file = io.BytesIO()
    PAGES[0].save(file, "tiff", save_all=True, append_images=pages[1:])
    raw = bytearray(file.getvalue())
    second = raw.rfind((256).to_bytes(2, "little") + b"\4\0")  # ImageWidth opens the directory
    raw[second : second + 12] = (
        (254).to_bytes(2, "little")
        + b"\4\0"
        + (1).to_bytes(4, "little")
        + (1).to_bytes(4, "little")
    )
    assert more_pictures(bytes(raw)) == ""


def test_a_ring_of_pages_ends():
    raw = bytearray(saved("tiff", PAGES[:2]))
    assert more_pictures(bytes(raw[:-4] + raw[4:8])) == "2 pages"


@pytest.mark.parametrize(
    ("behind", "more"),
    [
        (MOVIE, "the video of a motion photo"),
        (b"motion photo" * 50, ""),
        (saved("jpeg"), "another picture"),
        (saved("jpeg") + b"hdrgm:Version", ""),  # the gain map of an HDR photograph
        (b"\xff\xda", ""),
    ],
)
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_what_stands_behind_a_jpeg_is_told_apart(behind, more, options):
    raw = saved("jpeg", [Image.fromarray(noise())], **options) + behind
    assert more_pictures(raw) == more
    assert not is_cut_off(raw)
    assert decode_image(raw, name="p").shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif", "gif", "bmp"])
def test_data_behind_the_picture_is_none_of_its_business(kind):
    assert decode_image(saved(kind) + MOVIE, name="p").shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("behind", [b"", MOVIE])
def test_a_cut_off_file_is_seen(kind, behind):
    raw = saved(kind, [Image.fromarray(noise())])
    assert not is_cut_off(raw + behind)
    assert all(is_cut_off(raw[:size]) for size in (len(raw) - 2, len(raw) // 2, 30))


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("kind", ["avif", "png", "webp", "tiff"])
def test_pictures_stand_upright(kind, value):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = value
    stored = Image.fromarray(patches())
    raw = saved(kind, [stored], exif=exif, **({"lossless": True} if kind == "webp" else {}))
    stored.getexif()[EXIF_ORIENTATION] = value
    wanted = np.asarray(ImageOps.exif_transpose(stored))[:, :, ::-1]

    image = decode_image(raw, name="p")
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).mean() < 8


def test_the_container_of_an_avif_overrules_its_exif_block():
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    turned = saved("avif", [Image.fromarray(patches())], exif=exif)
    assert stored_orientation(turned) is Orientation.CLOCKWISE
    assert stored_orientation(saved("avif")) is None

    # `imir` in place of `irot`; axis 1 exchanges left and right.
    mirrored = turned.replace(b"irot\3", b"imir\1")
    assert stored_orientation(mirrored) is Orientation.MIRRORED


def test_two_turns_are_one():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    for one, other in itertools.product(Orientation, repeat=2):
        assert np.array_equal(one.then(other).upright(image), other.upright(one.upright(image)))


def test_files_with_more_pictures_are_named_in_a_note(tmp_path):
    (tmp_path / "a.tif").write_bytes(saved("tiff", PAGES))
    (tmp_path / "b.jpg").write_bytes(saved("jpeg") + MOVIE)
    (tmp_path / "c.png").write_bytes(saved("png"))
    (tmp_path / "d.jpg").write_bytes(b"text")
    with ImageSource(sorted(tmp_path.iterdir())) as source:
        assert len(list(source)) == 3
        unread, unscored = source.report().notes
    assert unread.startswith(f"1 file could not be read: {tmp_path / 'd.jpg'}: not an image")
    assert unscored == (
        f"only the first picture was scored of 2 files: {tmp_path / 'a.tif'} (5 pages); "
        f"{tmp_path / 'b.jpg'} (the video of a motion photo)"
    )


def noise():
    return np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def patches():
    small = np.random.default_rng(1).integers(0, 255, (3, 4, 3), np.uint8)
    return cv2.resize(small, (64, 48), interpolation=cv2.INTER_NEAREST)
