"""Ctrl-C and kill -9 in the middle of a run: the video plays, the rows are whole."""

import csv
import json
import signal
import time

import av
import pytest

from tests.support import media
from tests.support.commands import example_frames, start

pytestmark = pytest.mark.needs_onnxruntime

TIMEOUT_S = 40


@pytest.fixture
def long_clip(tmp_path):
    """Twelve seconds of one rendered face: long enough to be stopped in the middle."""
    return media.write_clip(tmp_path / "long.mp4", example_frames(20) * 30, fps=50, audio="aac")


def wait_for_rows(path, process, *, rows):
    """Returns when the table has so many rows; the run is then in its middle."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read()
        if path.exists() and path.read_bytes().count(b"\n") > rows:
            return
        time.sleep(0.02)
    process.kill()
    pytest.fail(f"{path} never had {rows} rows")


def assert_whole_rows(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert rows
    assert all(len(row) == len(header) for row in rows)
    return len(rows)


def count_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_ctrl_c_finishes_the_files_and_exits_130(long_clip, tmp_path):
    out, table, record = tmp_path / "o.mp4", tmp_path / "o.csv", tmp_path / "o.run.json"
    process = start("video", long_clip, "--out", out, "--csv", table)
    wait_for_rows(table, process, rows=60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    rows = assert_whole_rows(table)
    assert count_frames(out) == rows < 600
    assert json.loads(record.read_text())["end_reason"] == "interrupted"


def test_kill_9_leaves_a_playable_video_and_whole_rows(long_clip, tmp_path):
    out, table = tmp_path / "o.mp4", tmp_path / "o.csv"
    process = start("video", long_clip, "--out", out, "--csv", table)
    wait_for_rows(table, process, rows=250)
    process.kill()
    process.communicate(timeout=TIMEOUT_S)

    assert not out.exists()
    text = table.read_text()
    whole = text[: text.rindex("\n")].splitlines()
    assert all(row.count(",") == whole[0].count(",") for row in whole)
    assert text.endswith("\n")
    assert count_frames(tmp_path / "o.part.mp4") > 50


def test_a_hang_up_ends_a_run_as_ctrl_c_does(long_clip, tmp_path):
    table = tmp_path / "o.csv"
    # Tests that run under nohup ignore the signal, and so would what they start.
    previous = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    process = start("video", long_clip, "--csv", table)
    signal.signal(signal.SIGHUP, previous)
    wait_for_rows(table, process, rows=30)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 130, err
    assert json.loads((tmp_path / "o.run.json").read_text())["end_reason"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_cut_short_leaves_earlier_results_alone(number, long_clip, tmp_path):
    out, table, record = tmp_path / "o.mp4", tmp_path / "o.csv", tmp_path / "o.run.json"
    for path in (out, table, record):
        path.write_text("of an earlier run")
    part = tmp_path / "o.part.csv"
    process = start("video", long_clip, "--out", out, "--csv", table)
    wait_for_rows(part, process, rows=250)
    process.send_signal(number)
    _, err = process.communicate(timeout=TIMEOUT_S)

    assert {path.read_text() for path in (out, table, record)} == {"of an earlier run"}
    assert assert_whole_rows(part) >= 250
    assert count_frames(tmp_path / "o.part.mp4") > 50
    if number == signal.SIGTERM:
        assert "the earlier results stay" in err
        assert str(part) in err
        kept = json.loads((tmp_path / "o.run.part.json").read_text())
        assert kept["outputs"]["csv"] == str(part)


def test_what_a_killed_run_left_stays_and_is_no_lock(long_clip, tmp_path):
    table = tmp_path / "o.csv"
    for name in ("o.csv", "o.part.csv"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".o.csv.lock").touch()
    process = start("video", long_clip, "--csv", table, "--max-frames", 5)
    _, err = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0, err
    assert assert_whole_rows(table) == 5
    assert (tmp_path / "o.part.csv").read_text() == "o.part.csv"
    assert not (tmp_path / ".o.csv.lock").exists()


def test_a_second_run_on_one_output_is_refused(long_clip, tmp_path):
    table = tmp_path / "o.csv"
    first = start("video", long_clip, "--csv", table)
    wait_for_rows(table, first, rows=5)
    second = start("video", long_clip, "--csv", table)
    _, said = second.communicate(timeout=TIMEOUT_S)
    _, err = first.communicate(timeout=TIMEOUT_S)

    assert first.returncode == 0, err
    assert assert_whole_rows(table) == 600
    assert second.returncode == 2
    assert "is being written by another run" in said
