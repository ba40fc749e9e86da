"""A local Ray cluster with two workers gives the same results, records and resume.

Ray's processes and threads live in commands of their own, which are waited for and looked after.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.support import media
from tests.support.commands import ROOT, example_frames, run_here, start

pytestmark = [pytest.mark.needs_ray, pytest.mark.needs_onnxruntime]

JOIN_TIMEOUT_S = 500


@pytest.fixture
def ray_environment():
    """No usage report, no token in the home folder, and a short path: socket names are short."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    yield {
        **{name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_TMPDIR": folder,
        # A busy machine is no fault.
        "RAY_raylet_start_wait_time_s": "200",
        "RAY_worker_register_timeout_seconds": "200",
    }
    left = [pid for pid in _processes() if folder.encode() in _command(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"processes of Ray left running: {left}"


def _processes():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def on_ray(*arguments, environment):
    process = start("video", *arguments, "--cluster", "local", "--jobs", "2", env=environment)
    try:
        out, err = process.communicate(timeout=JOIN_TIMEOUT_S)
    finally:
        process.kill()
    assert out == ""
    return process.returncode, err


def batch_of(out):
    return json.loads((out / "batch.json").read_text())


def statuses(out):
    return {Path(f["file"]).name: f["status"] for f in batch_of(out)["files"]}


def test_two_workers_of_a_cluster_give_the_results_of_two_processes(
    tmp_path, capsys, ray_environment
):
    source, there, here = tmp_path / "in", tmp_path / "there", tmp_path / "here"
    (source / "day1").mkdir(parents=True)
    media.write_clip(source / "day1" / "a.mp4", example_frames(8), fps=25)
    media.write_clip(source / "b.mp4", count=5)
    media.write_text_as_video(source / "broken.mp4")

    code, err = on_ray(source, "--out-dir", there, "--write", "csv", environment=ray_environment)

    assert code == 1, err
    assert statuses(there) == {"a.mp4": "done", "b.mp4": "done", "broken.mp4": "failed"}
    assert batch_of(there)["workers"] == "Ray cluster local, 2 at a time of 1 thread"
    assert "broken.mp4: not a video that can be read" in err
    assert "Traceback" not in err

    arguments = ("video", source, "--write", "csv", "--jobs", "2", "--out-dir")
    run_here(capsys, *arguments, here)
    for name in ("day1/a.csv", "b.csv"):
        assert (there / name).read_bytes() == (here / name).read_bytes()

    (source / "broken.mp4").unlink()
    code, _, err = run_here(capsys, *arguments, there, "--resume")
    assert code == 0, err
    assert statuses(there) == {"a.mp4": "skipped", "b.mp4": "skipped"}


def test_an_address_without_a_cluster_is_one_line(tmp_path, ray_environment):
    media.write_clip(tmp_path / "a.mp4", count=2)
    process = start(
        "video", tmp_path, "--out-dir", tmp_path / "out", "--cluster", "auto", env=ray_environment
    )
    _, err = process.communicate(timeout=JOIN_TIMEOUT_S)

    assert process.returncode == 1, err
    assert "--cluster auto: no Ray cluster can be reached" in err
    assert "Traceback" not in err
    assert statuses(tmp_path / "out") == {"a.mp4": "not begun"}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed worker", "ctrl-c"])
def test_a_fault_on_a_cluster_loses_only_running_files(how, tmp_path, ray_environment):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    media.write_clip(source / "a.mp4", count=4)
    media.write_clip(source / "long.mp4", example_frames(20) * 60, fps=50)
    process = start(
        "video", source, "--out-dir", out, "--write", "csv", "--cluster", "local", "--jobs", "2",
        env=ray_environment,
    )  # fmt: skip
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while not (
        (out / "long.csv").exists()
        and (out / "a.run.json").exists()
        and (out / "long.csv").read_bytes().count(b"\n") > 60
    ):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if how == "ctrl-c":
        process.send_signal(signal.SIGINT)
    else:
        (worker,) = [pid for pid in _processes() if _command(pid).startswith(b"ray::run_file")]
        os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=JOIN_TIMEOUT_S)

    assert "Traceback" not in err
    if how == "ctrl-c":
        assert process.returncode == 130, err
        assert statuses(out) == {"a.mp4": "done", "long.mp4": "interrupted"}
        assert json.loads((out / "long.run.json").read_text())["end_reason"] == "interrupted"
    else:
        assert process.returncode == 1, err
        assert statuses(out) == {"a.mp4": "done", "long.mp4": "failed"}
        assert "long.mp4: the worker was lost (WorkerCrashedError" in err
        assert not (out / "long.run.json").exists()


def test_the_command_line_does_not_import_ray_by_default():
    code = "import sys, rtau.cli.video, rtau.runs.batch.run; print('ray' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "False"
