"""Ctrl-C, kill -9 and a killed parent during a batch: only running files are lost."""

import csv
import json
import os
import shutil
import signal
import time
from pathlib import Path

import av
import pytest

from tests.support import media
from tests.support.commands import example_frames, run_here, start

pytestmark = pytest.mark.needs_onnxruntime

JOIN_TIMEOUT_S = 90


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory):
    """Sixteen seconds of one rendered face: long enough to be stopped in the middle."""
    path = tmp_path_factory.mktemp("clip") / "long.mp4"
    return media.write_clip(path, example_frames(20) * 40, fps=50, audio="aac")


@pytest.fixture
def tree(long_clip, tmp_path):
    """A short clip, a long one, and another short one."""
    root = tmp_path / "in"
    root.mkdir()
    for name in ("a.mp4", "z.mp4"):
        media.write_clip(root / name, count=4)
    shutil.copyfile(long_clip, root / "long.mp4")
    return root


def wait_until(true, process, *, what):
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.05)
    process.kill()
    pytest.fail(f"{what} within {JOIN_TIMEOUT_S} s; {process.communicate()[1]}")


def workers_of(process):
    """Returns the worker processes of a batch, without the resource tracker."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def has_rows(path, *, rows):
    return path.exists() and path.read_bytes().count(b"\n") > rows


def is_running(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def statuses(out):
    files = json.loads((out / "batch.json").read_text())["files"]
    return {Path(f["file"]).name: f["status"] for f in files}


def assert_whole_rows(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert all(len(row) == len(header) for row in rows)
    return len(rows)


def count_frames(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_killed_worker_loses_its_file_and_resuming_completes_it(tree, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ("video", tree, "--out-dir", out, "--write", "csv", "--resume")
    process = start(*arguments, "--jobs", "1")
    wait_until(
        lambda: has_rows(out / "long.csv", rows=60), process, what="the long clip had no rows"
    )
    (worker,) = workers_of(process)
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=JOIN_TIMEOUT_S)

    assert process.returncode == 1, err
    assert statuses(out) == {"a.mp4": "done", "long.mp4": "failed", "z.mp4": "done"}
    assert "long.mp4: the worker process was killed by SIGKILL" in err
    assert "2 of 3 sources done, 1 failed" in err
    assert "Traceback" not in err
    assert not (out / "long.run.json").exists()
    assert 60 <= assert_whole_rows(out / "long.csv") < 800

    media.write_clip(tree / "long.mp4", count=9)
    code, _, err = run_here(capsys, *arguments)
    assert code == 0, err
    assert statuses(out) == {"a.mp4": "skipped", "long.mp4": "done", "z.mp4": "skipped"}
    assert assert_whole_rows(out / "long.csv") == 9


def test_ctrl_c_ends_all_workers_with_whole_files_and_resuming_does_the_rest(tree, tmp_path):
    out = tmp_path / "out"
    arguments = ("video", tree, "--out-dir", out, "--resume")
    # A group of its own: a terminal sends Ctrl-C to the whole group, workers included.
    process = start(*arguments, "--jobs", "2", start_new_session=True)
    wait_until(
        lambda: has_rows(out / "long.csv", rows=60), process, what="the long clip had no rows"
    )
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=JOIN_TIMEOUT_S)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert not any(map(is_running, workers))
    found = statuses(out)
    assert found["long.mp4"] == "interrupted"
    assert json.loads((out / "batch.json").read_text())["end_reason"] == "interrupted"
    assert json.loads((out / "long.run.json").read_text())["end_reason"] == "interrupted"
    assert assert_whole_rows(out / "long.csv") == count_frames(out / "long.mp4") < 800
    record = out / "a.run.json"  # of a run that ended, or was cut in its middle
    cut = record.exists() and json.loads(record.read_text())["end_reason"] == "interrupted"
    assert (record.exists() and not cut) == (found["a.mp4"] == "done")


def test_sigterm_to_the_parent_alone_reaches_the_workers(tree, tmp_path):
    out = tmp_path / "out"
    process = start("video", tree / "long.mp4", "--out-dir", out, "--write", "csv")
    wait_until(
        lambda: has_rows(out / "long.csv", rows=20), process, what="the long clip had no rows"
    )
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=JOIN_TIMEOUT_S)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert statuses(out) == {"long.mp4": "interrupted"}
    assert json.loads((out / "long.run.json").read_text())["end_reason"] == "interrupted"


def test_workers_end_in_order_when_their_parent_is_killed(tree, tmp_path):
    out = tmp_path / "out"
    process = start("video", tree / "long.mp4", "--out-dir", out, "--write", "csv")
    wait_until(
        lambda: has_rows(out / "long.csv", rows=20), process, what="the long clip had no rows"
    )
    (worker,) = workers_of(process)
    process.kill()
    process.communicate(timeout=JOIN_TIMEOUT_S)
    wait_until(lambda: not is_running(worker), process, what="the worker lived on")

    assert assert_whole_rows(out / "long.csv") < 800
    assert json.loads((out / "long.run.json").read_text())["end_reason"] == "interrupted"
