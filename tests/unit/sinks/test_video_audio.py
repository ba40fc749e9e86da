"""Sound in the mp4: copied where the file can hold it, AAC where not, in step with the pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tests.support import media
from tests.support.mp4 import copy_clip, end_s, sound_packets, sound_wave


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


def test_a_clip_without_sound_says_none(tmp_path):
    clip = media.write_clip(tmp_path / "in.mp4")
    sink = copy_clip(clip, tmp_path / "o.mp4")
    assert sink.audio == "none"
    with av.open(str(tmp_path / "o.mp4")) as file:
        assert not file.streams.audio
