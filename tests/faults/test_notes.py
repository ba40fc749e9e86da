"""What a run did not judge, changed or lost is said: in its closing line and in its record."""

import json

import pytest

from tests.support import media
from tests.support.commands import run_here
from tests.support.flashes import write_flashing

pytestmark = pytest.mark.needs_onnxruntime


def run(capsys, clip, out, *flags):
    """Returns the closing line and the record of a run that succeeds."""
    table = out.with_suffix(".csv")
    code, _, err = run_here(capsys, "video", clip, "--out", out, "--csv", table, *flags)
    assert code == 0, err
    return err, json.loads(out.with_suffix(".run.json").read_text(encoding="utf-8"))


def test_sound_that_was_lost_and_what_a_killed_run_left_are_said(tmp_path, capsys):
    clip = write_flashing(tmp_path / "in.ts", options={"bf": "0"}, seconds=2)
    raw = bytearray(clip.read_bytes())
    heads = [k for k in range(len(raw) - 1) if raw[k] == 0xFF and raw[k + 1] in (0xF0, 0xF1)]
    for k in heads[40:44]:
        raw[k : k + 2] = b"\0\0"
    clip.write_bytes(raw)
    left = tmp_path / "o.part.mp4"
    left.write_bytes(b"what was written until then")
    said, record = run(capsys, clip, tmp_path / "o.mp4")
    for note in ("packets unreadable", f"did not finish, to look at or delete: {left}"):
        assert note in said
        assert note in " ".join(record["notes"])
    assert left.exists()


def test_no_audio_leaves_the_sound_out(tmp_path, capsys):
    clip = media.write_clip(tmp_path / "in.mp4", count=5, audio="aac")
    _, record = run(capsys, clip, tmp_path / "o.mp4", "--no-audio")
    assert record["audio"] == "none"
    assert not any("sound" in note for note in record["notes"])
