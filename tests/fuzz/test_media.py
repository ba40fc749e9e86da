"""Damaged videos and images are read as far as they go, or refused in one line.

Each format is a few kilobytes in which some bytes are flipped, cut or repeated. `make test` draws
a few of each, `make fuzz` thousands.
"""

import contextlib

import cv2
import pytest
from hypothesis import given

from rtau.errors import RtauError
from rtau.sources import open_file
from rtau.sources.images import ImageSource
from tests.support import media
from tests.support.mutations import bytes_like, fuzzing

LONGEST_FRAMES = 200
# Suffix -> encoders of pictures and sound: ten containers, seven codecs.
FORMATS = {
    "mp4": ("libx264", "aac"),
    "mov": ("mjpeg", "pcm_s16le"),
    "mkv": ("libx264", "aac"),
    "webm": ("libvpx", None),
    "avi": ("mpeg4", "mp2"),
    "ts": ("libx264", "aac"),
    "mpg": ("mpeg2video", "mp2"),
    "flv": ("flv", None),
    "wmv": ("msmpeg4", None),
    "nut": ("ffv1", "pcm_s16le"),
}
fuzzed = fuzzing(share=1 / 8)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_damaged_video_is_read_as_far_as_it_goes_or_refused(suffix, tmp_path):
    codec, audio = FORMATS[suffix]
    path = tmp_path / f"clip.{suffix}"
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    media.write_clip(path, count=8, fps=25, codec=codec, pix_fmt=pix_fmt, audio=audio)
    with contextlib.closing(open_file(path)) as source:
        assert len(list(source)) == 8

    @fuzzed
    @given(bytes_like(path.read_bytes()))
    def damaged(data):
        path.write_bytes(data)
        times = []
        with contextlib.suppress(RtauError), contextlib.closing(open_file(path)) as source:
            for frame in source:
                times.append(frame.time_s)
                assert len(times) < LONGEST_FRAMES
                assert frame.image_bgr.size > 0
        assert times == sorted(times)

    damaged()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "bmp"])
def test_a_damaged_image_is_read_or_refused(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    cv2.imwrite(str(path), media.numbered(5))
    with contextlib.closing(ImageSource([path])) as source:
        assert [frame.image_bgr.shape for frame in source] == [media.numbered(5).shape]

    @fuzzed
    @given(bytes_like(path.read_bytes()))
    def damaged(data):
        path.write_bytes(data)
        with contextlib.suppress(RtauError), contextlib.closing(ImageSource([path])) as source:
            assert len(list(source)) <= 1

    damaged()
