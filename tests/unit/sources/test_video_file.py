"""Video files: times, turns, colours, damage, and every file that is no video."""

import itertools
import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtau.errors import SourceOpenError
from rtau.sources.video_file import VideoFileSource
from tests.support.media import (
    Colour,
    damage,
    frame_number,
    numbered,
    set_display_matrix,
    stored_for,
    truncate,
    write_audio_only,
    write_clip,
    write_resized,
    write_text_as_video,
    write_without_frames,
)

FAST_START = {"movflags": "faststart"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
EXAMPLE = Path(__file__).parents[3] / "examples" / "one_face.mp4"


def read(path):
    """Returns the source, closed, and its frames."""
    with VideoFileSource(path) as source:
        return source, list(source)


def flat(bgr, *, size=(64, 48)):
    """Returns a picture of one colour; chroma subsampling cannot touch it."""
    return np.full((size[1], size[0], 3), bgr, np.uint8)


def refused(path):
    """Returns the one line a file is refused with."""
    with pytest.raises(SourceOpenError) as caught:
        VideoFileSource(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


class TestTimes:
    def test_every_frame_comes_once_in_order(self, tmp_path):
        source, frames = read(write_clip(tmp_path / "a.mp4", count=20))
        assert [frame_number(frame.image_bgr) for frame in frames] == list(range(20))
        assert [frame.time_s for frame in frames] == pytest.approx([k / 30 for k in range(20)])
        assert source.info.frame_count == 20
        assert source.info.nominal_fps == 30
        assert not source.is_live

    def test_a_variable_rate_is_kept(self, tmp_path):
        times_s = [0.0, 0.033, 0.1, 0.5, 0.51, 0.9]
        _, frames = read(write_clip(tmp_path / "vfr.mp4", times_s=times_s, count=6))
        assert [frame.time_s for frame in frames] == pytest.approx(times_s, abs=1e-5)

    def test_reordered_pictures_come_in_the_order_they_are_shown(self, tmp_path):
        options = {"preset": "medium", "bf": "3"}
        _, frames = read(write_clip(tmp_path / "b.mp4", count=20, options=options))
        assert [frame_number(frame.image_bgr) for frame in frames] == list(range(20))
        assert [frame.time_s for frame in frames] == pytest.approx([k / 30 for k in range(20)])

    @pytest.mark.parametrize("audio", [None, "aac"])
    def test_a_late_start_stays_late(self, tmp_path, audio):
        path = write_clip(tmp_path / "late.mp4", times_s=[0.5, 0.6, 0.7], count=3, audio=audio)
        source, frames = read(path)
        assert [frame.time_s for frame in frames] == pytest.approx([0.5, 0.6, 0.7])
        assert source.report().origin.start_time_s == 0.0

    def test_a_clock_that_starts_anywhere_starts_at_its_earliest_stream(self, tmp_path):
        path = write_clip(tmp_path / "a.ts", times_s=[40.0, 40.5, 41.0], count=3)
        source, frames = read(path)
        assert [frame.time_s for frame in frames] == pytest.approx([0, 0.5, 1.0])
        start_time_s = source.report().origin.start_time_s
        assert start_time_s == pytest.approx(40, abs=2)  # the muxer adds a delay

    def test_a_raw_stream_without_times_comes_at_a_rate(self, tmp_path):
        _, frames = read(write_resized(tmp_path / "raw.h264", [(64, 48)]))
        steps = [b.time_s - a.time_s for a, b in itertools.pairwise(frames)]
        assert steps == pytest.approx([0.04] * 3)

    def test_an_odd_rate_is_exact(self, tmp_path):
        ntsc = Fraction(30000, 1001)
        source, frames = read(write_clip(tmp_path / "ntsc.mp4", fps=ntsc, count=8))
        assert source.info.nominal_fps == ntsc
        assert [frame.time_s for frame in frames] == [float(k / ntsc) for k in range(8)]

    def test_the_report_says_what_the_mp4_sink_needs(self, tmp_path):
        source, _ = read(write_clip(tmp_path / "clip.mp4"))
        assert source.report().origin.path == tmp_path / "clip.mp4"
        assert source.info.nominal_fps == 30


class TestTurns:
    @pytest.mark.parametrize("mirror", [False, True])
    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    def test_the_picture_is_upright_whatever_the_display_matrix(self, tmp_path, turn, mirror):
        upright = numbered(5, width=96, height=64)
        stored = stored_for(upright, turn=turn, mirror=mirror)
        path = write_clip(tmp_path / "turned.mp4", [stored] * 2)
        source, frames = read(set_display_matrix(path, turn=turn, mirror=mirror))
        assert (source.info.width, source.info.height) == (96, 64)
        assert np.abs(frames[0].image_bgr.astype(int) - upright).mean() < 8
        assert frame_number(frames[1].image_bgr) == 5

    def test_a_slanted_matrix_is_named_and_ignored(self, tmp_path, caplog):
        path = write_clip(tmp_path / "slanted.mp4", count=3)
        matrix = (0.7, 0.7, -0.7, 0.7)
        _, frames = read(set_display_matrix(path, matrix=matrix))
        assert frames[0].image_bgr.shape == (48, 64, 3)
        assert caplog.text.count("slanted display matrix") == 1

    def test_wide_pixels_become_square_before_the_turn(self, tmp_path):
        path = write_clip(tmp_path / "sar.mp4", size=(60, 48), aspect=Fraction(4, 3))
        source, frames = read(set_display_matrix(path, turn=90))
        assert (source.info.width, source.info.height) == (48, 80)
        assert frames[0].image_bgr.shape == (80, 48, 3)

    @pytest.mark.parametrize(("aspect", "width"), [(Fraction(3, 4), 48), (Fraction(16, 11), 93)])
    def test_pixels_become_square_by_width(self, tmp_path, aspect, width):
        source, _ = read(write_clip(tmp_path / "sar.mp4", size=(64, 48), aspect=aspect))
        assert (source.info.width, source.info.height) == (width, 48)


class TestColours:
    # Matrix and range by H.273's numbers: 1 BT.709, 5 and 6 BT.601, 9 BT.2020; 1 tv, 2 full range.
    @pytest.mark.parametrize("full", [1, 2])
    @pytest.mark.parametrize("matrix", [1, 5, 6, 9])
    def test_matrix_and_range_are_honoured(self, tmp_path, matrix, full):
        red = (60, 50, 190)  # saturated: another matrix would show
        colour = Colour(matrix=matrix, range=full)
        path = write_clip(tmp_path / "c.mp4", [flat(red)] * 2, colour=colour)
        _, frames = read(path)
        np.testing.assert_allclose(frames[0].image_bgr[20, 30], red, atol=6)

    @pytest.mark.parametrize(("size", "matrix"), [((64, 48), 5), ((1280, 720), 1)])
    def test_untagged_video_is_601_when_small_and_709_when_large(self, tmp_path, size, matrix):
        red = (40, 50, 200)
        tagged = Colour(matrix=matrix, range=1)
        path = write_clip(tmp_path / "tagged.h264", [flat(red, size=size)] * 2, colour=tagged)
        _, frames = read(untagged(path))
        np.testing.assert_allclose(frames[0].image_bgr[20, 30], red, atol=4)

    @pytest.mark.parametrize(("codec", "name"), [("libx264", "ten.mp4"), ("libx265", "ten.nut")])
    def test_ten_bits_become_eight(self, tmp_path, codec, name):
        grey = (90, 130, 170)
        path = write_clip(tmp_path / name, [flat(grey)] * 2, codec=codec, pix_fmt="yuv420p10le")
        _, frames = read(path)
        np.testing.assert_allclose(frames[0].image_bgr[20, 30], grey, atol=4)

    @pytest.mark.parametrize(("transfer", "card", "white"), [(18, 97, 191), (16, 97, 148)])
    def test_hdr_is_brought_to_sdr(self, tmp_path, transfer, card, white):
        colour = Colour(matrix=9, range=1, transfer=transfer, primaries=9)
        pictures = [flat(card), flat(white)]
        path = write_clip(
            tmp_path / "hdr.nut", pictures, codec="libx265", pix_fmt="yuv420p10le", colour=colour
        )
        _, frames = read(path)
        levels = [frame.image_bgr[20, 30].astype(int) for frame in frames]
        np.testing.assert_allclose(levels[0], 100, atol=5)  # 18 % grey card
        np.testing.assert_allclose(levels[1], 244, atol=5)  # diffuse white

    def test_colours_that_cannot_be_converted_are_named_at_opening(self, tmp_path):
        ictcp = Colour(matrix=14, range=1)
        text = refused(write_clip(tmp_path / "ictcp.mp4", count=2, colour=ictcp))
        assert "colour matrix (number 14 of ITU-T H.273) is not supported" in text

    @pytest.mark.parametrize("pix_fmt", ["gray", "gray16le", "bgra", "yuva420p", "bgr0"])
    def test_grey_alpha_and_rgb_pixels(self, tmp_path, pix_fmt):
        path = write_clip(
            tmp_path / "p.mkv", [flat((77, 77, 77))] * 2, codec="ffv1", pix_fmt=pix_fmt
        )
        _, frames = read(path)
        np.testing.assert_allclose(frames[0].image_bgr[20, 30], 77, atol=4)

    def test_frames_that_are_bgr_already_own_their_pixels(self, tmp_path):
        pictures = [flat((k, 2 * k, 3 * k)) for k in range(10, 60, 10)]
        _, frames = read(
            write_clip(tmp_path / "raw.avi", pictures, codec="rawvideo", pix_fmt="bgr24")
        )
        for frame, picture in zip(frames, pictures, strict=True):
            np.testing.assert_array_equal(frame.image_bgr, picture)


class TestSizes:
    @pytest.mark.parametrize("size", [(65, 47), (21, 9), (33, 64)])
    def test_odd_sizes(self, tmp_path, size):
        source, frames = read(write_clip(tmp_path / "odd.mp4", size=size, pix_fmt="yuv444p"))
        assert (source.info.width, source.info.height) == size
        assert [frame_number(frame.image_bgr) for frame in frames] == list(range(12))

    def test_a_single_pixel(self, tmp_path):
        path = write_clip(tmp_path / "one.mp4", [flat(200, size=(1, 1))] * 3, pix_fmt="yuv444p")
        _, frames = read(path)
        assert [frame.image_bgr.shape for frame in frames] == [(1, 1, 3)] * 3

    def test_8k(self, tmp_path):
        path = write_clip(
            tmp_path / "8k.mkv", [flat(90, size=(7680, 4320))], codec="mjpeg", pix_fmt="yuvj420p"
        )
        _, frames = read(path)
        assert frames[0].image_bgr.shape == (4320, 7680, 3)

    def test_a_change_of_size_is_fitted_to_the_first(self, tmp_path):
        source, frames = read(write_resized(tmp_path / "r.ts", [(64, 48), (96, 48)], count=4))
        assert {frame.image_bgr.shape for frame in frames} == {(48, 64, 3)}
        assert [frame_number(frame.image_bgr) for frame in frames[:4]] == [0, 1, 2, 3]
        # 96x48 becomes 64x32, with black above and below.
        later = frames[-1].image_bgr
        assert later[:6].max() < 20
        assert later[-6:].max() < 20
        assert frame_number(later[8:40]) == 7
        assert source.report().corrupt == 0


class TestDamage:
    def test_damage_in_the_middle_is_counted_and_the_rest_comes(self, tmp_path):
        path = write_clip(tmp_path / "d.mp4", count=60, gop=6, container=FAST_START)
        source, frames = read(damage(path, start=0.5, end=0.55))
        numbers = [frame_number(frame.image_bgr) for frame in frames]
        assert source.report().corrupt > 0
        assert 40 <= len(frames) < 60
        assert numbers[:20] == list(range(20))
        assert numbers[-5:] == [55, 56, 57, 58, 59]
        assert frames[-1].time_s == pytest.approx(59 / 30)
        missing = frames[-1].index + 1 - len(frames)
        assert missing == source.report().corrupt  # a damaged frame takes an index

    def test_two_runs_over_a_damaged_file_agree_to_the_pixel(self, tmp_path):
        path = write_clip(tmp_path / "d.mp4", count=40, container=FAST_START)
        damage(path, start=0.4, end=0.42)
        (_, first), (_, second) = read(path), read(path)
        assert [frame.index for frame in first] == [frame.index for frame in second]
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.image_bgr, other.image_bgr)

    @pytest.mark.parametrize("container", [FAST_START, FRAGMENTED], ids=["faststart", "fragmented"])
    def test_a_file_cut_in_the_middle_gives_what_is_there(self, tmp_path, container):
        path = write_clip(tmp_path / "cut.mp4", count=60, container=container)
        _, frames = read(truncate(path, keep=0.6))
        numbers = [frame_number(frame.image_bgr) for frame in frames]
        assert numbers == list(range(len(frames)))
        assert 10 < len(frames) < 60

    def test_cut_before_the_index(self, tmp_path):
        text = refused(truncate(write_clip(tmp_path / "cut.mp4"), keep=0.5))
        assert "not a video that can be read" in text
        assert "cut off before its index" in text

    def test_a_text_renamed_mp4(self, tmp_path):
        assert "not a video that can be read" in refused(write_text_as_video(tmp_path / "t.mp4"))

    def test_sound_alone(self, tmp_path):
        text = refused(write_audio_only(tmp_path / "sound.mp4"))
        assert text.endswith("expected a video file, got no video in it, only audio")

    def test_a_cover_picture_is_no_video(self, tmp_path):
        text = refused(with_cover(tmp_path / "song.mp4"))
        assert "no video in it" in text

    def test_not_one_frame(self, tmp_path):
        assert "has no frame that can be decoded" in refused(
            write_without_frames(tmp_path / "z.mp4")
        )

    def test_not_one_good_frame(self, tmp_path):
        path = write_clip(tmp_path / "d.avi", count=3, codec="mpeg4")
        raw = bytearray(path.read_bytes())
        start = raw.index(b"movi") + 4
        end = raw.index(b"idx1")
        raw[start + 8 : end] = b"\0" * (end - start - 8)
        path.write_bytes(raw)
        assert "no frame that can be decoded" in refused(path)

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "e.mp4").touch()
        assert "an empty file (0 bytes)" in refused(tmp_path / "e.mp4")

    def test_a_missing_file(self, tmp_path):
        assert "there is no such file" in refused(tmp_path / "missing.mp4")

    def test_a_folder(self, tmp_path):
        assert "expected a video file, got a folder" in refused(tmp_path)

    def test_a_pipe_does_not_block(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.mp4")
        assert "got a pipe or a device" in refused(tmp_path / "pipe.mp4")

    def test_a_playlist_in_disguise_reaches_out_to_nobody(self, tmp_path):
        path = tmp_path / "evil.mp4"
        path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", encoding="utf-8")
        refused(path)

    def test_a_name_like_an_address_is_still_a_file(self, tmp_path):
        _, frames = read(write_clip(tmp_path / "a.mp4").rename(tmp_path / "http:b %03d.mp4"))
        assert len(frames) == 12

    def test_a_title_that_is_not_utf_8(self, tmp_path):
        path = tmp_path / "t.mkv"
        write_clip(path)
        raw = path.read_bytes()
        assert b"Lavf" in raw
        path.write_bytes(raw.replace(b"Lavf", b"\xff\xfe\xfd\xfc"))
        assert len(read(path)[1]) == 12


class TestClosing:
    def test_files_are_closed(self, tmp_path):
        path = write_clip(tmp_path / "a.mp4")
        source = VideoFileSource(path)
        assert open_count(path) == 1
        source.close()
        assert open_count(path) == 0

    def test_a_refused_file_is_closed_too(self, tmp_path):
        path = write_audio_only(tmp_path / "sound.mp4")
        refused(path)
        assert open_count(path) == 0

    def test_close_while_another_thread_decodes(self, tmp_path):
        source = VideoFileSource(write_clip(tmp_path / "a.mp4", count=300))
        reader = threading.Thread(target=lambda: [None for _ in source])
        reader.start()
        source.close()
        reader.join(2)
        assert not reader.is_alive()


def test_the_example_clip_reads_whole():
    with VideoFileSource(EXAMPLE) as source:
        assert (source.info.width, source.info.height) == (640, 360)
        assert sum(1 for _ in source) == source.info.frame_count
        assert source.report().corrupt == 0


def open_count(path):
    """Returns how many descriptors of this process are on the file."""
    links = (link for link in Path("/proc/self/fd").iterdir() if link.exists())
    return sum(1 for link in links if link.resolve() == path.resolve())


def untagged(path):
    """Returns an mp4 with the pictures of a raw stream and no colour tags."""
    target = path.with_suffix(".mkv")
    with av.open(str(path)) as file, av.open(str(target), "w") as out:
        stream = out.add_stream("ffv1", rate=30, width=file.streams.video[0].width)
        stream.height = file.streams.video[0].height
        for frame in file.decode(video=0):
            frame.colorspace, frame.color_range = 2, 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return target


def with_cover(path):
    """Returns an mp4 with a tone and, as its only picture, a cover."""
    sound = write_audio_only(path.with_name("sound.mp4"))
    with av.open(str(sound)) as file, av.open(str(path), "w") as out:
        copied = out.add_stream_from_template(file.streams.audio[0])
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic.value
        frame = av.VideoFrame.from_ndarray(numbered(1), format="bgr24")
        out.mux(cover.encode(frame.reformat(format="yuvj420p")))
        for packet in file.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    return path
