"""The mp4 sink: times, sound, colours, sizes, and what is left when a run dies."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import textwrap
import types
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rtau.errors import SinkError, UsageError
from rtau.sinks import video_file, video_finish
from rtau.sinks.video_encoder import available_encoders
from rtau.sinks.video_file import VideoFileSink
from tests.support import media
from tests.support.limits import file_size_limit
from tests.support.results import make_result

REPOSITORY = Path(__file__).parents[3]
# Unequal steps on the 90 kHz grid, as a phone gives them.
VARIABLE_TIMES_S = tuple(np.cumsum([0, 1 / 30, 1 / 30, 0.1, 0.02, 0.5, 1 / 30, 0.04, 0.25, 0.1]))


def open_sink(path, *, width=64, height=48, nominal_fps=Fraction(25), **options):
    return VideoFileSink(path, width=width, height=height, nominal_fps=nominal_fps, **options)


def write_numbered(sink, times_s, *, width=64, height=48):
    for index, time_s in enumerate(times_s):
        image = media.numbered(index, width=width, height=height)
        sink.write(make_result(index, time_s=time_s, image_bgr=image), image)


def copy_clip(source, target, *, frames=None, **options):
    """Returns the closed sink after every picture of a clip went through it."""
    with av.open(str(source)) as clip:
        video = clip.streams.video[0]
        sink = open_sink(target, nominal_fps=video.average_rate, audio_from=source, **options)
        for index, frame in enumerate(clip.decode(video)):
            if index == frames:
                break
            image = frame.to_ndarray(format="bgr24")
            sink.write(make_result(index, time_s=frame.time, image_bgr=image), image)
    sink.close()
    return sink


def decoded(path, *, tolerant=False):
    """Returns times and pictures of a file; `tolerant` skips a torn last packet, as players do."""
    frames = []
    torn = (av.error.InvalidDataError,) if tolerant else ()
    with contextlib.suppress(*torn), av.open(str(path)) as file:
        for frame in file.decode(video=0):
            frames.append((frame.time, frame.to_ndarray(format="bgr24")))  # noqa: PERF401 - kept when torn
    return [time_s for time_s, _ in frames], [image for _, image in frames]


def sound_packets(path):
    """Returns (time, bytes) of every packet of sound."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(audio=0) if p.dts is not None]
        return [(float(p.pts * p.time_base), bytes(p)) for p in packets]


def sound_wave(path):
    """Returns the time of the first sample and the samples of the first channel."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
        return frames[0].time, np.concatenate([f.to_ndarray()[0] for f in frames])


def end_s(path, kind="video"):
    """Returns when the last packet of a kind ends: start plus duration."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(**{kind: 0}) if p.dts is not None]
        return max(float((p.pts + p.duration) * p.time_base) for p in packets)


def boxes(path):
    """Returns the kinds of the top-level boxes in their order."""
    kinds, start, raw = [], 0, path.read_bytes()
    while start + 8 <= len(raw):
        size = int.from_bytes(raw[start : start + 4], "big")
        kinds.append(raw[start + 4 : start + 8].decode())
        start += size
    return kinds


def test_a_variable_frame_rate_is_kept_to_the_tick(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, VARIABLE_TIMES_S)
    sink.close()
    times_s, images = decoded(tmp_path / "o.mp4")
    assert times_s == pytest.approx(VARIABLE_TIMES_S, abs=1 / 90_000)
    assert [media.frame_number(image) for image in images] == list(range(len(VARIABLE_TIMES_S)))


def test_a_time_base_of_the_source_is_kept_exactly(tmp_path):
    base = Fraction(1, 24_000)
    ticks = [0, 1001, 2002, 5005]
    sink = open_sink(tmp_path / "o.mp4", time_base=base)
    write_numbered(sink, [float(tick * base) for tick in ticks])
    sink.close()
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert [frame.pts * frame.time_base for frame in file.decode(video=0)] == [
            tick * base for tick in ticks
        ]


def test_two_frames_of_one_time_stay_two_frames(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.0, 0.04, 0.04, 0.08])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 4


def test_the_last_frame_lasts_as_long_as_in_the_original(tmp_path):
    # Copied with a last step of 0.7 s, which neither the rate nor the step before tells.
    clip = media.write_clip(tmp_path / "in.mp4", count=4, fps=25)
    long_last = stretch_last(clip, tmp_path / "long.mp4", duration_s=0.7)
    copy_clip(long_last, tmp_path / "o.mp4")
    assert end_s(long_last) == pytest.approx(0.82, abs=1e-3)
    assert end_s(tmp_path / "o.mp4") == pytest.approx(0.82, abs=1e-3)


def stretch_last(source, target, *, duration_s):
    """Returns `target`, the clip with its last picture shown for `duration_s`."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as file:
        stream = file.add_stream_from_template(clip.streams.video[0])
        packets = [p for p in clip.demux(video=0) if p.dts is not None]
        last = max(packets, key=lambda packet: packet.pts)
        last.duration = round(duration_s / last.time_base)
        for packet in packets:
            packet.stream = stream
            file.mux(packet)
    return target


@pytest.mark.parametrize("times_s", [[0.0], [0.0, 0.3]])
def test_without_an_original_the_last_frame_lasts_one_nominal_frame(tmp_path, times_s):
    sink = open_sink(tmp_path / "o.mp4", nominal_fps=Fraction(10))
    write_numbered(sink, times_s)
    sink.close()
    assert end_s(tmp_path / "o.mp4") == pytest.approx(times_s[-1] + 0.1, abs=1e-3)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "aac"), (".mkv", "libopus"), (".mkv", "flac"), (".avi", "libmp3lame")],
)
def test_sound_an_mp4_can_hold_is_copied_byte_for_byte(tmp_path, suffix, codec):
    clip = media.write_clip(tmp_path / f"in{suffix}", count=40, audio=codec)
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio.startswith("copied ")
    before, after = sound_packets(clip), sound_packets(tmp_path / "o.mp4")
    assert [raw for _, raw in after] == [raw for _, raw in before]
    # Matroska's clock has milliseconds.
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=2e-3)


def test_sound_of_a_transport_stream_is_copied_without_its_headers(tmp_path):
    clip = media.write_clip(tmp_path / "in.ts", count=40, audio="aac")
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio == "copied aac"
    before, after = sound_packets(clip), sound_packets(tmp_path / "o.mp4")
    assert [raw for _, raw in after] == [raw[7:] for _, raw in before]
    assert len(sound_wave(tmp_path / "o.mp4")[1]) > 48_000


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mov", "pcm_s16le"), (".mkv", "pcm_s16le"), (".ts", "mp2")]
)
def test_sound_an_mp4_cannot_hold_becomes_aac_in_step(tmp_path, suffix, codec):
    times_s = [0.5 + 0.04 * k for k in range(40)]  # the pictures begin half a second later
    clip = media.write_clip(
        tmp_path / f"in{suffix}", times_s=times_s, count=len(times_s), audio=codec
    )
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio == f"transcoded {codec} to aac"
    shift_s = sound_shift_s(clip, tmp_path / "o.mp4")
    assert abs(shift_s) < 0.005
    assert end_s(tmp_path / "o.mp4", "audio") == pytest.approx(end_s(clip, "audio"), abs=0.03)


def sound_shift_s(one, other):
    """Returns by how much the sound of `other` is late, by the best match of a tone's phase.

    The 440 Hz tone repeats every 2.27 ms, so the start of the wave decides between its periods.
    """
    one_start_s, one_wave = sound_wave(one)
    other_start_s, other_wave = sound_wave(other)
    onset = [
        start_s + int(np.argmax(np.abs(wave) > 0.5 * np.abs(wave).max())) / 48_000
        for start_s, wave in ((one_start_s, one_wave), (other_start_s, other_wave))
    ]
    return onset[1] - onset[0]


def test_amr_of_old_phones_becomes_aac(tmp_path):
    if "libopencore_amrnb" not in av.codecs_available:
        pytest.skip("this FFmpeg cannot write AMR to test with")
    clip = write_amr_clip(tmp_path / "in.3gp")
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio == "transcoded amr_nb to aac"
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert file.streams.audio[0].codec_context.sample_rate == 8000
        assert sum(frame.samples for frame in file.decode(audio=0)) > 7000


def write_amr_clip(path):
    with av.open(str(path), "w", format="3gp") as file:
        video = file.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = file.add_stream("libopencore_amrnb", rate=8000, layout="mono")
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(media.numbered(index), format="bgr24")
            file.mux(video.encode(frame))
        for start in range(0, 8000, 160):
            frame = av.AudioFrame.from_ndarray(
                np.full((1, 160), 500, np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 8000, start
            file.mux(sound.encode(frame))
        file.mux(video.encode())
        file.mux(sound.encode())
    return path


def test_start_offsets_of_pictures_and_sound_are_kept(tmp_path):
    times_s = [0.5 + 0.04 * k for k in range(25)]
    clip = media.write_clip(tmp_path / "in.mp4", times_s=times_s, count=len(times_s), audio="aac")
    copy_clip(clip, tmp_path / "o.mp4")
    assert decoded(tmp_path / "o.mp4")[0] == pytest.approx(times_s, abs=1e-4)
    assert sound_packets(tmp_path / "o.mp4") == sound_packets(clip)


def test_times_counted_from_a_later_zero_shift_pictures_and_sound_alike(tmp_path):
    times_s = [1.5 + 0.04 * k for k in range(25)]
    clip = media.write_clip(tmp_path / "in.mp4", times_s=times_s, count=len(times_s), audio="aac")
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip, time_zero_s=0.5)
    write_numbered(sink, times_s)
    sink.close()
    assert decoded(tmp_path / "o.mp4")[0] == pytest.approx([t - 0.5 for t in times_s], abs=1e-4)
    before, after = dict(sound_packets(clip)), dict(sound_packets(tmp_path / "o.mp4"))
    for time_s, raw in after.items():
        nearest = min(before, key=lambda t, at=time_s + 0.5: abs(t - at))
        assert nearest == pytest.approx(time_s + 0.5, abs=2e-3)
        assert before[nearest] == raw
    # What sounded before the new zero is in the file, but no player plays it.
    assert sound_wave(tmp_path / "o.mp4")[0] == pytest.approx(0.0, abs=0.022)


def test_a_run_that_is_cut_cuts_the_sound_with_the_pictures(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4", count=90, audio="aac")
    copy_clip(clip, tmp_path / "o.mp4", frames=30)
    assert end_s(tmp_path / "o.mp4") == pytest.approx(1.0, abs=1e-3)
    assert end_s(tmp_path / "o.mp4", "audio") == pytest.approx(1.0, abs=0.022)


def test_sound_that_outlasts_the_pictures_of_a_whole_file_stays(tmp_path):
    short = media.write_clip(tmp_path / "short.mp4", count=10)
    sound = media.write_audio_only(tmp_path / "long.m4a", duration_s=3.0)
    both = join(short, sound, tmp_path / "in.mp4")
    copy_clip(both, tmp_path / "o.mp4")
    assert sound_packets(tmp_path / "o.mp4") == sound_packets(both)


def test_joined_recordings_whose_clock_jumps_back_lose_sound_not_the_run(tmp_path):
    parts = [
        media.write_clip(tmp_path / f"{k}.ts", count=60, audio="aac").read_bytes() for k in range(2)
    ]
    clip = tmp_path / "in.ts"
    clip.write_bytes(b"".join(parts))
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip)
    write_numbered(sink, [k / 30 for k in range(120)])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 120
    assert "packets out of order left out" in sink.audio


def join(pictures, sound, target):
    """Returns `target` with the pictures of one file and the sound of another."""
    with (
        av.open(str(pictures)) as one,
        av.open(str(sound)) as other,
        av.open(str(target), "w") as file,
    ):
        tracks = [(one, one.streams.video[0]), (other, other.streams.audio[0])]
        streams = [file.add_stream_from_template(stream) for _, stream in tracks]
        for (container, track), stream in zip(tracks, streams, strict=True):
            for packet in container.demux(track):
                if packet.dts is not None:
                    packet.stream = stream
                    file.mux(packet)
    return target


def test_a_clip_without_sound_says_none(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4")
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio == "none"
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert not file.streams.audio


def test_the_sample_clip_keeps_its_duration_and_its_sound(tmp_path):
    clip = REPOSITORY / "examples" / "one_face.mp4"
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip)
    for index in range(600):  # small pictures at the clip's own times
        image = np.full((48, 64, 3), index % 250, np.uint8)
        sink.write(make_result(index, time_s=index / 25, image_bgr=image), image)
    sink.close()
    assert sink.audio == "copied aac"
    assert end_s(tmp_path / "o.mp4") == pytest.approx(end_s(clip), abs=1e-3)
    assert sound_packets(tmp_path / "o.mp4") == sound_packets(clip)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (65, 48), (64, 49)])
def test_odd_sizes_grow_by_a_replicated_pixel(tmp_path, size):
    width, height = size
    image = np.full((height, width, 3), 60, np.uint8)
    image[-1, :], image[:, -1] = 200, 200
    sink = open_sink(tmp_path / "o.mp4", width=width, height=height, crf=4)
    for index in range(3):
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    shown = decoded(tmp_path / "o.mp4")[1][-1]
    assert shown.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(shown[-1].astype(int) - 200).max() < 12


def test_a_picture_of_another_size_is_letterboxed_into_the_first(tmp_path):
    sink = open_sink(tmp_path / "o.mp4", width=64, height=48, crf=4)
    for index, (width, height) in enumerate([(64, 48), (48, 64), (128, 96), (64, 48)]):
        image = np.full((height, width, 3), 180, np.uint8)
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    images = decoded(tmp_path / "o.mp4")[1]
    assert {image.shape for image in images} == {(48, 64, 3)}
    bright = [float((image[24, :, 0] > 100).mean()) for image in images]
    assert bright == pytest.approx([1.0, 36 / 64, 1.0, 1.0], abs=0.04)
    assert images[1][24, 2].max() < 30  # black bars left and right


@pytest.mark.parametrize(
    ("bgr", "luma"), [((0, 0, 255), 63), ((0, 255, 0), 173), ((255, 0, 0), 32), ((255,) * 3, 235)]
)
def test_colours_are_converted_with_the_matrix_the_tags_name(tmp_path, bgr, luma):
    """BT.709 limited range: Y = 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B)."""
    image = np.full((48, 64, 3), bgr, np.uint8)
    sink = open_sink(tmp_path / "o.mp4", crf=1)
    for index in range(2):
        sink.write(make_result(index, image_bgr=image), image)
    sink.close()
    with av.open(str(tmp_path / "o.mp4")) as file:
        context = file.streams.video[0].codec_context
        frame = next(file.decode(video=0))
        tags = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        assert tags == (1, 1, 1, 1)
        assert frame.to_ndarray()[10, 10] == pytest.approx(luma, abs=1)


def test_the_finished_file_is_plain_with_its_index_in_front(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(80)])
    sink.close()
    kinds = boxes(tmp_path / "o.mp4")
    assert "moof" not in kinds
    assert kinds.index("moov") < kinds.index("mdat")
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert sink.note is None


def test_no_frame_leaves_no_file_and_says_so(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    sink.close()
    assert not (tmp_path / "o.mp4").exists()
    assert sink.note == "not written: no frame came"


KILLED = """
    import sys, time
    from fractions import Fraction
    from pathlib import Path
    import numpy as np
    from rtau.sinks.video_file import VideoFileSink
    from tests.support.media import numbered
    from tests.support.results import make_result

    out, clip = Path(sys.argv[1]), Path(sys.argv[2])
    sink = VideoFileSink(out, width=64, height=48, nominal_fps=Fraction(25), audio_from=clip)
    for index in range(200):
        image = numbered(index)
        sink.write(make_result(index, image_bgr=image), image)
    print("written", flush=True)
    time.sleep(60)
"""


def test_kill_9_leaves_a_playable_file_with_most_frames_and_sound(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4", count=300, fps=25, audio="aac")
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "o.mp4"), str(clip)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    times_s, images = decoded(tmp_path / "o.mp4")
    # A second's fragment and what the encoder looks ahead may be lost, no more.
    assert len(images) >= 200 - 25 - 40
    assert [media.frame_number(image) for image in images] == list(range(len(images)))
    assert times_s == pytest.approx([k / 25 for k in range(len(images))], abs=1e-4)
    sound = sound_packets(tmp_path / "o.mp4")
    assert sound[-1][0] > times_s[-1] - 1.5
    assert [raw for _, raw in sound] == [raw for _, raw in sound_packets(clip)][: len(sound)]


@pytest.fixture(scope="module")
def fragmented(tmp_path_factory):
    """The bytes of a fragmented file with sound, as a run writes it before it is finished."""
    folder = tmp_path_factory.mktemp("fragmented")
    clip = media.write_clip(folder / "in.mp4", count=120, fps=25, audio="aac")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_file, "make_streamable", lambda _: "not now")
        copy_clip(clip, folder / "o.mp4")
    return (folder / "o.mp4").read_bytes()


@pytest.mark.parametrize("share", [0.35, 0.5, 0.61, 0.7, 0.83, 0.9, 0.99])
@pytest.mark.parametrize("cut", [False, True])
def test_a_file_torn_anywhere_plays_up_to_there(tmp_path, fragmented, share, cut):
    """As kill -9 leaves it, and as the sink leaves it after a full disk: cut to whole fragments."""
    torn = tmp_path / "o.mp4"
    torn.write_bytes(fragmented[: int(len(fragmented) * share)])
    if cut:
        assert video_finish.cut_to_whole_boxes(torn)
    times_s, images = decoded(torn, tolerant=not cut)
    assert len(images) >= 120 * share - 30
    assert times_s == pytest.approx([k / 25 for k in range(len(times_s))], abs=1e-4)
    assert [media.frame_number(image) for image in images[:-1]] == list(range(len(images) - 1))


def test_a_file_without_a_whole_fragment_holds_nothing(tmp_path, fragmented):
    torn = tmp_path / "o.mp4"
    torn.write_bytes(fragmented[:1500])
    assert not video_finish.cut_to_whole_boxes(torn)


def noisy(index):
    return np.random.default_rng(index).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def write_noise(sink, *, frames=5000):
    for index in range(frames):
        sink.write(make_result(index, image_bgr=noisy(index)), noisy(index))


@pytest.mark.parametrize("limit", [150_000, 333_333, 500_001])
def test_a_full_disk_names_file_and_reason_and_what_was_written_plays(tmp_path, limit):
    sink = open_sink(tmp_path / "o.mp4")
    with file_size_limit(limit), pytest.raises(SinkError, match=r"o\.mp4 cannot be .*too large"):
        write_noise(sink)
    sink.close()
    times_s, _ = decoded(tmp_path / "o.mp4")
    assert len(times_s) > 5
    assert times_s == pytest.approx([k / 25 for k in range(len(times_s))], abs=1e-4)
    assert set(boxes(tmp_path / "o.mp4")[-2:]) == {"moof", "mdat"}
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert "plays" in sink.note


def test_a_disk_full_from_the_start_leaves_no_useless_file(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    with file_size_limit(600), pytest.raises(SinkError):
        write_noise(sink)
    assert not (tmp_path / "o.mp4").exists()


def test_a_disk_that_fills_at_the_very_end_is_an_error_and_plays(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    write_noise(sink, frames=60)
    size = (tmp_path / "o.mp4").stat().st_size
    with file_size_limit(size + 100), pytest.raises(SinkError, match="cannot be written"):
        sink.close()
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) >= 20


def test_no_room_for_the_second_copy_leaves_the_fragmented_file(tmp_path, monkeypatch):
    monkeypatch.setattr(video_finish.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=10))
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(50)])
    sink.close()
    assert "no room for a second copy" in sink.note
    assert "moof" in boxes(tmp_path / "o.mp4")
    assert len(decoded(tmp_path / "o.mp4")[0]) == 50


def test_a_remux_that_fails_half_way_leaves_the_fragmented_file(tmp_path, monkeypatch):
    def fails(_, part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video_finish, "_copy_packets", fails)
    sink = open_sink(tmp_path / "o.mp4")
    write_numbered(sink, [0.04 * k for k in range(50)])
    sink.close()
    assert "No space left on device" in sink.note
    assert [p.name for p in tmp_path.iterdir()] == ["o.mp4"]
    assert len(decoded(tmp_path / "o.mp4")[0]) == 50


def test_an_unknown_encoder_names_those_there_are_and_keeps_the_old_file(tmp_path):
    (tmp_path / "o.mp4").write_bytes(b"precious")
    with pytest.raises(SinkError, match=r"libx264.*got 'h264_magic'"):
        open_sink(tmp_path / "o.mp4", encoder="h264_magic")
    with pytest.raises(SinkError, match="must be an H"):
        open_sink(tmp_path / "o.mp4", encoder="mpeg4")
    assert (tmp_path / "o.mp4").read_bytes() == b"precious"


def test_an_encoder_whose_device_is_missing_is_an_error_before_the_first_frame(tmp_path):
    for encoder in ("h264_v4l2m2m", "h264_nvenc", "h264_qsv"):
        if encoder not in available_encoders():
            continue
        try:
            sink = open_sink(tmp_path / "o.mp4", encoder=encoder)
        except SinkError as error:
            assert encoder in str(error)  # noqa: PT017 - machines that have the device pass
            assert "libx264" in str(error)  # noqa: PT017 - as above
        else:
            sink.close()


@pytest.mark.parametrize("name", ["o.avi", "o", "o.mp4.txt"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.mp4"):
        open_sink(tmp_path / name)


@pytest.mark.parametrize("alias", ["in.mp4", "sub/../in.mp4", "link.mp4", "hard.mp4"])
def test_the_input_is_never_overwritten_by_whatever_name(tmp_path, alias):
    clip = media.write_clip(tmp_path / "in.mp4")
    raw = clip.read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.mp4").symlink_to(clip)
    (tmp_path / "hard.mp4").hardlink_to(clip)
    with pytest.raises(UsageError, match="is the input"):
        open_sink(tmp_path / alias, audio_from=clip)
    assert clip.read_bytes() == raw


def test_outputs_that_cannot_be_are_refused_before_the_first_frame(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        open_sink(tmp_path / "folder.mp4")
    with pytest.raises(SinkError, match="does not exist"):
        open_sink(tmp_path / "nowhere" / "o.mp4")
    (tmp_path / "o.mp4").write_bytes(b"precious")
    with pytest.raises(UsageError, match="already exists"):
        open_sink(tmp_path / "o.mp4", overwrite=False)
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink(Path("/proc/o.mp4"))


def test_sound_from_a_file_that_is_none_is_an_error(tmp_path):
    text = media.write_text_as_video(tmp_path / "in.mp4")
    with pytest.raises(SinkError, match="sound cannot be read"):
        open_sink(tmp_path / "o.mp4", audio_from=text)
    assert not (tmp_path / "o.mp4").exists()


def test_a_damaged_original_still_gives_a_whole_video(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4", count=60, audio="aac")
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip)
    media.truncate(clip, keep=0.6)  # while the run goes on
    write_numbered(sink, [k / 30 for k in range(60)])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 60


def test_sound_goes_on_after_a_damaged_place(tmp_path):
    clip = media.write_clip(tmp_path / "in.mkv", count=120, audio="flac")
    whole = len(sound_packets(clip))
    media.damage(clip, start=0.4, end=0.45)
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip)
    write_numbered(sink, [k / 30 for k in range(120)])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 120
    assert whole * 0.5 < len(sound_packets(tmp_path / "o.mp4")) < whole


def test_memory_of_the_original_stays_small_on_a_long_file(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4", count=900, audio="aac")
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip)
    most = 0
    for index in range(900):
        image = np.zeros((48, 64, 3), np.uint8)
        sink.write(make_result(index, time_s=index / 30, image_bgr=image), image)
        most = max(most, len(sink._original._durations_s), len(sink._original._waiting))
    sink.close()
    assert most < 4 * 30


def test_writing_after_the_end_is_our_own_mistake(tmp_path):
    sink = open_sink(tmp_path / "o.mp4")
    sink.close()
    with pytest.raises(ValueError, match="open sink"):
        sink.write(make_result(), media.numbered(0))
