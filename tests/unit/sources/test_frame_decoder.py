"""What containers leave out or say alone: times of AVI, pixel shapes, fields, thumbnails, rates."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from rtau.sources.video_file import VideoFileSource
from tests.support.media import frame_number, numbered, write_clip


def read(path):
    """Returns the source, closed, and its frames."""
    with VideoFileSource(path) as source:
        return source, list(source)


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"bf": "2", "preset": "medium", "x264-params": "b-adapt=0"}),
        ("libx264", {"bf": "0"}),
        ("mpeg4", {"bf": "2"}),
    ],
)
def test_frames_of_an_avi_come_at_its_rate(tmp_path, codec, options):
    clip = write_clip(tmp_path / "a.avi", count=30, fps=25, codec=codec, options=options)
    _, frames = read(clip)
    assert [frame.time_s for frame in frames] == pytest.approx([k / 25 for k in range(30)])
    assert [frame_number(frame.image_bgr) for frame in frames] == list(range(30))


def test_pixels_that_only_the_container_shapes_become_square(tmp_path):
    options = {"codec": "mjpeg", "pix_fmt": "yuvj420p", "aspect": Fraction(4, 3)}
    clip = write_clip(tmp_path / "a.mov", size=(60, 48), **options)
    source, frames = read(clip)
    assert (source.info.width, source.info.height) == (80, 48)
    assert {frame.image_bgr.shape for frame in frames} == {(48, 80, 3)}


def test_the_shape_of_the_container_counts_more_than_the_codecs(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", size=(60, 48), aspect=Fraction(4, 3))
    raw = bytearray(clip.read_bytes())
    at = raw.index(b"pasp") + 4
    assert struct.unpack_from(">II", raw, at) == (4, 3)
    struct.pack_into(">II", raw, at, 2, 1)
    clip.write_bytes(raw)
    source, _ = read(clip)
    assert (source.info.width, source.info.height) == (120, 48)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.nut"])
def test_a_thumbnail_in_front_is_not_the_video(tmp_path, name):
    clip = with_thumbnail(tmp_path / name)
    source, frames = read(clip)
    assert (source.info.width, len(frames)) == (64, 20)
    (note,) = source.report().notes
    assert "stream 1 (h264, 64x48) is judged" in note
    assert "left out: stream 0 (mjpeg, 32x24)" in note
    assert source.report().origin.picture_stream == 1


def with_thumbnail(path):
    with av.open(str(path), "w") as file:
        still = file.add_stream("mjpeg", rate=25)
        still.width, still.height, still.pix_fmt = 32, 24, "yuvj420p"
        moving = file.add_stream("libx264", rate=25)
        moving.width, moving.height, moving.pix_fmt = 64, 48, "yuv420p"
        for stream, count in ((still, 1), (moving, 20)):
            for k in range(count):
                image = numbered(k, width=stream.width, height=stream.height)
                frame = av.VideoFrame.from_ndarray(image, format="bgr24")
                frame.pts, frame.time_base = k, Fraction(1, 25)
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
    return path


def edge(field):
    """Returns a bright half whose edge moves 4 px to the right per field."""
    image = np.full((48, 96, 3), 40, np.uint8)
    image[:, : 10 + 4 * field] = 200
    return image


def woven(k):
    """Returns two fields in one picture, the upper lines first."""
    image = edge(2 * k)
    image[1::2] = edge(2 * k + 1)[1::2]
    return image


def combs(image):
    """Returns how much neighbouring lines differ where those two apart are alike."""
    grey = image[:, :, 0].astype(int)
    return np.abs(grey[1:-1] - grey[:-2]).mean()


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"x264-params": "tff=1", "preset": "medium"}),
        ("a.mpg", "mpeg2video", {}),
    ],
)
def test_interlaced_pictures_lose_their_combs_and_keep_their_times(
    tmp_path, name, codec, options, count
):
    flags = {} if codec == "libx264" else {"flags": "+ildct+ilme", "field_order": "tt", "b": "4M"}
    pictures = [woven(k) for k in range(count)]
    assert combs(pictures[0]) > 3
    clip = write_clip(tmp_path / name, pictures, fps=25, codec=codec, options={**options, **flags})
    source, frames = read(clip)
    assert [frame.index for frame in frames] == list(range(count))
    steps = np.diff([frame.time_s for frame in frames])
    assert steps == pytest.approx(np.full(count - 1, 0.04))
    assert max(combs(frame.image_bgr) for frame in frames) < 1.5
    assert source.report().notes == (f"interlaced pictures: {count} de-interlaced",)


def test_progressive_pictures_are_left_alone(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", [woven(k) for k in range(3)])
    source, frames = read(clip)
    assert combs(frames[1].image_bgr) > 3
    assert source.report().notes == ()


def test_raw_dv_has_the_rate_of_its_frames_not_of_its_clock(tmp_path):
    clip = write_clip(
        tmp_path / "a.dv", count=5, fps=25, codec="dvvideo", size=(720, 576), pix_fmt="yuv420p"
    )
    source, frames = read(clip)
    assert source.info.nominal_fps == 25
    assert (source.info.frame_count, len(frames)) == (5, 5)


def test_slow_motion_may_have_a_high_rate(tmp_path):
    source, frames = read(write_clip(tmp_path / "a.mp4", count=20, fps=960))
    assert source.info.nominal_fps == 960
    assert frames[-1].time_s == pytest.approx(19 / 960)


def test_the_length_of_a_late_matroska_counts_from_its_first_picture(tmp_path):
    times_s = [10 + k / 25 for k in range(20)]
    source, frames = read(write_clip(tmp_path / "a.mkv", times_s=times_s, count=20, fps=25))
    assert frames[0].time_s == 10.0
    assert source.info.frame_count == pytest.approx(20, abs=1)
