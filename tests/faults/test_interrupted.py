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

    text = table.read_text()
    whole = text[: text.rindex("\n")].splitlines()
    assert all(row.count(",") == whole[0].count(",") for row in whole)
    assert text.endswith("\n")
    assert count_frames(out) > 50
