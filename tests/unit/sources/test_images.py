"""Image files: orientation, depths, what cannot be read, and which frame came from which file."""

import struct

import cv2
import numpy as np
import pytest

from rtau.errors import SourceOpenError, UsageError
from rtau.sources.images import ImageSource, read_image
from tests.support.media import frame_number, numbered, stored_for, write_text_as_video

# EXIF orientation (CIPA DC-008, 4.6.5.1) -> how the stored picture is shown.
EXIF = {
    1: {},
    2: {"mirror": True},
    3: {"turn": 180},
    4: {"mirror": True, "turn": 180},
    5: {"mirror": True, "turn": 270},
    6: {"turn": 90},
    7: {"mirror": True, "turn": 90},
    8: {"turn": 270},
}


def write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def with_exif(path, orientation):
    """Returns a JPEG with an EXIF block that holds the orientation and nothing else."""
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", 1) + entry + struct.pack(">I", 0)
    block = b"Exif\0\0" + tiff
    raw = path.read_bytes()
    path.write_bytes(raw[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + raw[2:])
    return path


@pytest.mark.parametrize("orientation", EXIF)
def test_exif_orientation_is_honoured(tmp_path, orientation):
    upright = numbered(7, width=96, height=64)
    path = write(tmp_path / "p.jpg", stored_for(upright, **EXIF[orientation]))
    image = read_image(with_exif(path, orientation))
    assert image.shape == (64, 96, 3)
    assert np.abs(image.astype(int) - upright).mean() < 8


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".jpg", ".ppm"])
def test_common_formats(tmp_path, suffix):
    image = read_image(write(tmp_path / f"p{suffix}", numbered(300)))
    assert frame_number(image) == 300


@pytest.mark.parametrize(
    "stored",
    [
        np.full((20, 30), 90, np.uint8),
        np.full((20, 30), 90 * 257, np.uint16),
        np.full((20, 30, 3), 90 * 257, np.uint16),
        np.full((20, 30, 4), 90, np.uint8),
        np.full((1, 1, 3), 90, np.uint8),
    ],
    ids=["grey", "grey 16 bit", "colour 16 bit", "alpha", "one pixel"],
)
def test_other_pixels_become_8_bit_bgr(tmp_path, stored):
    image = read_image(write(tmp_path / "p.png", stored))
    assert image.dtype == np.uint8
    assert image.shape == (*stored.shape[:2], 3)
    assert (image == 90).all()


def test_8k(tmp_path):
    path = write(tmp_path / "8k.jpg", np.full((4320, 7680, 3), 90, np.uint8))
    assert read_image(path).shape == (4320, 7680, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_cut_off_image_is_refused_not_filled_with_grey(tmp_path, suffix, keep):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = write(tmp_path / f"cut{suffix}", noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(SourceOpenError, match="the image is cut off"):
        read_image(path)


def test_what_comes_after_the_end_of_a_jpeg_does_not_matter(tmp_path):
    path = write(tmp_path / "phone.jpg", numbered(9))
    path.write_bytes(path.read_bytes() + b"motion photo" * 50)
    assert frame_number(read_image(path)) == 9


class TestRefused:
    def refused(self, path):
        with pytest.raises(SourceOpenError) as caught:
            ImageSource([path])
        text = str(caught.value)
        assert text.startswith(str(path))
        assert "\n" not in text
        return text

    def test_missing(self, tmp_path):
        assert "there is no such file" in self.refused(tmp_path / "no.jpg")

    def test_text(self, tmp_path):
        assert "not an image that can be read" in self.refused(
            write_text_as_video(tmp_path / "t.jpg")
        )

    def test_empty(self, tmp_path):
        (tmp_path / "e.png").touch()
        assert "(0 bytes)" in self.refused(tmp_path / "e.png")

    def test_folder(self, tmp_path):
        assert "got a folder" in self.refused(tmp_path)

    def test_a_header_that_promises_too_much(self, tmp_path):
        path = tmp_path / "bomb.ppm"
        path.write_bytes(b"P6 100000 100000 255\n" + b"\0" * 100)
        assert "not an image that can be read" in self.refused(path)

    def test_no_path_at_all(self):
        with pytest.raises(UsageError, match="at least one file"):
            ImageSource([])


class TestSeveral:
    @pytest.fixture
    def paths(self, tmp_path):
        sizes = [(64, 48), (80, 60), (0, 0), (40, 30)]
        paths = [tmp_path / f"{k}.png" for k in range(4)]
        for k, (width, height) in enumerate(sizes):
            if width:
                write(paths[k], numbered(k, width=width, height=height))
        write_text_as_video(paths[2])
        return paths

    def test_each_comes_at_its_own_size_and_bad_ones_are_counted(self, paths):
        source = ImageSource(paths)
        frames = list(source)
        assert [frame.index for frame in frames] == [0, 1, 3]
        assert [frame.time_s for frame in frames] == [0.0, 1.0, 3.0]
        assert [(frame.width, frame.height) for frame in frames] == [(64, 48), (80, 60), (40, 30)]
        assert source.report().corrupt == 1
        assert source.skipped[0][0] == paths[2]
        assert source.info.frame_count == 4
        assert source.info.name == "4 images"

    def test_a_frame_is_traced_to_its_file(self, paths):
        source = ImageSource(paths)
        for frame in source:
            path = source.name_of(frame.index)
            assert path == str(paths[frame.index])
            assert frame_number(frame.image_bgr) == frame.index

    def test_a_bad_first_image_is_stepped_over(self, paths):
        source = ImageSource([paths[2], paths[0]])
        assert [frame.index for frame in source] == [1]

    def test_nothing_but_bad_images(self, paths):
        with pytest.raises(SourceOpenError, match="none of 2 images can be read; the first: "):
            ImageSource([paths[2], paths[2]])
