"""What comes over from the original: offsets, durations, and the end of a run that was cut."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.support import media
from tests.support.mp4 import (
    copy_clip,
    decoded,
    end_s,
    open_sink,
    sound_packets,
    sound_wave,
    write_numbered,
)
from tests.support.results import make_result

REPOSITORY = Path(__file__).parents[3]


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


def test_start_offsets_of_pictures_and_sound_are_kept(tmp_path):
    times_s = [0.5 + 0.04 * k for k in range(25)]
    clip = media.write_clip(tmp_path / "in.mp4", times_s=times_s, count=len(times_s), audio="aac")
    copy_clip(clip, tmp_path / "o.mp4")
    assert decoded(tmp_path / "o.mp4")[0] == pytest.approx(times_s, abs=1e-4)
    assert sound_packets(tmp_path / "o.mp4") == sound_packets(clip)


def test_times_counted_from_a_later_zero_shift_pictures_and_sound_alike(tmp_path):
    times_s = [1.5 + 0.04 * k for k in range(25)]
    clip = media.write_clip(tmp_path / "in.mp4", times_s=times_s, count=len(times_s), audio="aac")
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip, zero_s=0.5)
    write_numbered(sink, [t - 0.5 for t in times_s])
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


def test_sound_follows_the_pictures_of_joined_recordings_whose_clock_jumps_back(tmp_path):
    parts = [
        media.write_clip(tmp_path / f"{k}.ts", count=60, audio="aac").read_bytes() for k in range(2)
    ]
    clip = tmp_path / "in.ts"
    clip.write_bytes(b"".join(parts))
    sink = open_sink(tmp_path / "o.mp4", audio_from=clip, nominal_fps=Fraction(30))
    write_numbered(sink, [k / 30 for k in range(120)])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 120
    times_s = [time_s for time_s, _ in sound_packets(tmp_path / "o.mp4")]
    assert times_s[-1] == pytest.approx(4.0, abs=0.1)
    assert max(np.diff(times_s)) < 0.06


def test_a_file_that_cannot_be_opened_again_costs_the_sound(tmp_path):
    text = media.write_text_as_video(tmp_path / "in.mp4")
    sink = open_sink(tmp_path / "o.mp4", audio_from=text)
    write_numbered(sink, [k / 25 for k in range(5)])
    sink.close()
    assert len(decoded(tmp_path / "o.mp4")[0]) == 5
    assert sink.audio == "none"
    assert "sound: cannot be read" in sink.report().note


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
