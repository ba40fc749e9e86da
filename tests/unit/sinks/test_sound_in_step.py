"""Pictures and sound stay together in every container, and bad sound costs the sound alone."""

import re

import av
import numpy as np
import pytest

from tests.support.flashes import annotated, assert_in_step, onsets, write_flashing
from tests.support.media import damage, write_clip
from tests.support.mp4 import decoded

MPEG2 = {"codec": "mpeg2video", "audio": "mp2"}


@pytest.mark.parametrize(
    ("name", "options", "first_s"),
    [
        ("a.mp4", {}, 1.0),
        ("late.mp4", {"shift_s": 7.3}, 8.3),
        ("early.mp4", {"shift_s": -0.5}, 0.5),  # an edit list cuts the first half second
        ("late.mkv", {"audio": "libopus", "shift_s": 7.3}, 8.3),
        ("pcm.mkv", {"audio": "pcm_s16le", "shift_s": 3.0}, 4.0),
        ("a.ts", {}, 1.0),
        ("late.ts", {"shift_s": 40.0, "audio": "mp2"}, 1.0),
        ("a.mpg", MPEG2, 1.0),
        ("late.mpg", {**MPEG2, "shift_s": 40.0}, 1.0),
        ("a.avi", {"audio": "libmp3lame", "options": {"bf": "2"}}, 1.0),
        ("pcm.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p", "audio": "pcm_s16le"}, 1.0),
        ("a.flv", {"options": {"bf": "0"}}, 1.0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_flash_and_beep_stay_together(tmp_path, name, options, first_s):
    clip = write_flashing(tmp_path / name, **options)
    annotated(clip, tmp_path / "o.mp4")
    flashes = assert_in_step(tmp_path / "o.mp4", count=2)
    assert flashes[0] == pytest.approx(first_s, abs=0.05)


def test_sound_that_turns_mono_and_changes_its_rate_goes_on(tmp_path):
    forms = ({}, {"layout": "mono"}, {"rate_hz": 32_000})
    parts = [
        write_flashing(tmp_path / f"{k}.ts", audio="mp2", shift_s=3 * k, seconds=3, **form)
        for k, form in enumerate(forms)
    ]
    joined = tmp_path / "in.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, sink = annotated(joined, tmp_path / "o.mp4")
    assert_in_step(tmp_path / "o.mp4", count=6)
    assert sink.audio == "transcoded mp2 to aac"


def test_copied_sound_that_turns_mono_is_left_out_from_there_on(tmp_path):
    parts = [
        write_flashing(tmp_path / f"{k}.ts", shift_s=3 * k, layout=layout)
        for k, layout in enumerate(("stereo", "mono"))
    ]
    joined = tmp_path / "in.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    _, sink = annotated(joined, tmp_path / "o.mp4")
    flashes, beeps = onsets(tmp_path / "o.mp4")
    assert len(flashes) == 4
    assert beeps == pytest.approx(flashes[:2], abs=0.04)
    assert re.search(r"sound: left out from (2\.9|3\.0)\d s on", sink.report().note)


def test_a_gap_in_sound_that_is_transcoded_stays_a_gap(tmp_path):
    clip = write_flashing(tmp_path / "in.mkv", audio="pcm_s16le", gap_s=(1.3, 1.9))
    annotated(clip, tmp_path / "o.mp4")
    assert_in_step(tmp_path / "o.mp4", count=2)


def test_broken_headers_of_aac_cost_their_packets(tmp_path):
    clip = write_flashing(tmp_path / "in.ts", options={"bf": "0"})
    raw = bytearray(clip.read_bytes())
    heads = [k for k in range(len(raw) - 1) if raw[k] == 0xFF and raw[k + 1] in (0xF0, 0xF1)]
    for k in heads[60:64]:
        raw[k : k + 2] = b"\0\0"
    clip.write_bytes(raw)
    _, sink = annotated(clip, tmp_path / "o.mp4")
    assert len(decoded(tmp_path / "o.mp4")[0]) == 75
    assert_in_step(tmp_path / "o.mp4", count=2)
    assert "packets unreadable" in sink.report().note


def test_sound_of_which_nothing_can_be_decoded_is_left_out(tmp_path):
    clip = write_flashing(tmp_path / "in.mkv", audio="mp2")
    with av.open(str(clip)) as file:
        payloads = [bytes(p) for p in file.demux(audio=0) if p.size > 8]
    raw = clip.read_bytes()
    for payload in payloads:
        raw = raw.replace(payload, b"\xff" * len(payload))
    clip.write_bytes(raw)
    _, sink = annotated(clip, tmp_path / "o.mp4")
    assert len(decoded(tmp_path / "o.mp4")[0]) == 75
    assert sink.report().note.startswith("sound: ")


@pytest.mark.parametrize("audio", ["ac3", "eac3", "alac", "wavpack"])
def test_every_codec_of_sound_leaves_a_whole_video(tmp_path, audio):
    clip = write_flashing(tmp_path / "in.mkv", audio=audio, container={"strict": "-2"})
    annotated(clip, tmp_path / "o.mp4")
    assert_in_step(tmp_path / "o.mp4", count=2)


def test_no_audio_leaves_the_sound_out_and_says_so(tmp_path):
    clip = write_flashing(tmp_path / "in.mp4")
    _, sink = annotated(clip, tmp_path / "o.mp4", keeps_sound=False)
    assert onsets(tmp_path / "o.mp4")[1] == []
    assert (sink.audio, sink.report().note) == ("none", None)


@pytest.mark.parametrize("audio", ["aac", "pcm_s16le"])
def test_a_clip_of_one_frame_keeps_its_sound(tmp_path, audio):
    clip = write_clip(tmp_path / "in.mov", count=1, audio=audio)
    annotated(clip, tmp_path / "o.mp4")
    assert decoded(tmp_path / "o.mp4")[0] == [0.0]


def test_damage_of_the_file_costs_no_frame_that_can_be_decoded(tmp_path):
    clip = write_flashing(tmp_path / "in.ts", audio="mp2")
    damage(clip, start=0.5, end=0.53)
    _, sink = annotated(clip, tmp_path / "o.mp4")
    assert len(decoded(tmp_path / "o.mp4")[0]) > 60
    assert np.diff(decoded(tmp_path / "o.mp4")[0]).min() > 0
    assert sink.audio.startswith("transcoded mp2 to aac")
