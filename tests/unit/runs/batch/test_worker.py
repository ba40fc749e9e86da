"""The work on one file: a report whatever happens, and no more threads than the share."""

import dataclasses
import json
import subprocess
import sys

import pytest

from rtau.backends import find_model
from rtau.config import build
from rtau.contract import sha256_of
from rtau.errors import BackendUnavailable, UsageError
from rtau.runs.batch import worker
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.worker import MOVED_EVERY_S, Order, SignsOfLife, prepared, run_file
from tests.support import media
from tests.support.commands import ROOT

THREADS_OF_A_WORKER = """
import json, os, sys
from pathlib import Path
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.worker import Order, run_file
from rtau.backends import find_model
from rtau.config import RunConfig
from rtau.contract import sha256_of
order = Order(RunConfig(), (), threads=1, model_sha256=sha256_of(find_model("shufflenetv2-au12")))
report, _ = run_file(order, FileJob(Path(sys.argv[1]), Path(sys.argv[2]), ("mp4", "csv")))
import cv2
engine = __import__("rtau.runs.batch.worker", fromlist=["prepared"]).prepared(order).engine
print(json.dumps([report.status, cv2.getNumThreads(), engine._threads]))
"""


@pytest.fixture(autouse=True)
def fresh_worker(monkeypatch):
    """No engine is left from, or to, another test; nor are OpenCV's threads bounded here."""
    monkeypatch.setenv(worker.OPENCV_THREADS, "2")
    prepared.cache_clear()
    yield
    prepared.cache_clear()


@pytest.fixture
def order():
    sha256 = sha256_of(find_model("shufflenetv2-au12"))
    return Order(build({}), ("rtau", "video"), threads=1, model_sha256=sha256)


@pytest.fixture
def job(tmp_path):
    file = media.write_clip(tmp_path / "a.mp4", count=5)
    return FileJob(file, tmp_path / "result", ("csv",))


@pytest.mark.needs_onnxruntime
def test_a_file_that_is_done_is_reported_with_its_frames(order, job):
    report, words = run_file(order, job)

    assert (report.file, report.status, report.frames) == (str(job.file), "done", 5)
    assert report.seconds > 0
    assert report.error is None
    assert words.startswith("5 frames, 0 faces")
    record = json.loads(job.record.read_text())
    assert record["settings"]["model"]["threads"] == 1
    assert record["output_bytes"] == {"csv": job.outputs.files["csv"].stat().st_size}


@pytest.mark.needs_onnxruntime
def test_a_file_that_is_no_video_fails_alone(order, job):
    media.write_text_as_video(job.file)
    report, words = run_file(order, job)

    assert (report.status, report.frames) == ("failed", 0)
    assert report.error.startswith("not a video that can be read")
    assert words == f"failed: {report.error}"


@pytest.mark.needs_onnxruntime
def test_an_old_record_goes_before_its_results_are_replaced(order, job, monkeypatch):
    """Otherwise a run that is killed would leave half a table and a record that calls it done."""
    run_file(order, job)
    seen = []
    plain = SignsOfLife.write
    monkeypatch.setattr(
        SignsOfLife, "write", lambda *args: seen.append(job.record.exists()) or plain(*args)
    )
    run_file(order, job)

    assert seen == [False] * 5
    assert job.record.exists()


@pytest.mark.needs_onnxruntime
def test_a_mistake_of_ours_keeps_its_traceback_and_costs_one_file(order, job, monkeypatch, capsys):
    def broken(*args):
        raise ZeroDivisionError("half a face")

    monkeypatch.setattr(SignsOfLife, "write", broken)
    report, _ = run_file(order, job)

    assert report.error == (
        "ZeroDivisionError: half a face (a mistake in rtau: its traceback is above)"
    )
    assert "Traceback" in capsys.readouterr().err
    assert json.loads(job.record.read_text())["end_reason"] == "failed: half a face"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rtau_version": "9.9"}, "this worker has rtau .*, the batch was started by 9.9"),
        ({"model_sha256": "ab" * 32}, "the model of this worker is another than that of the batch"),
    ],
)
def test_a_worker_that_would_give_other_results_refuses_to_work(order, job, change, words):
    with pytest.raises(BackendUnavailable, match=words):
        run_file(dataclasses.replace(order, **change), job)

    assert not job.record.exists()


@pytest.mark.needs_onnxruntime
def test_a_heatmap_the_model_lacks_is_no_matter_of_one_file(order, job):
    wrong = dataclasses.replace(order, config=build({("overlay", "heatmap"): "AU99"}))
    with pytest.raises(UsageError, match="--heatmap must be one of"):
        run_file(wrong, job)


def test_given_thread_counts_are_kept_and_missing_ones_are_the_share(order):
    shared = dataclasses.replace(order, threads=3).own_config
    assert (shared.model.threads, shared.output.encoder_threads) == (3, 3)

    given = build({("model", "threads"): 7, ("output", "encoder_threads"): 5})
    kept = dataclasses.replace(order, config=given, threads=3).own_config
    assert (kept.model.threads, kept.output.encoder_threads) == (7, 5)


@pytest.mark.needs_onnxruntime
def test_every_library_of_a_worker_keeps_to_its_share(job, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", THREADS_OF_A_WORKER, str(job.file), str(tmp_path / "threads")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    assert json.loads(done.stdout.splitlines()[-1]) == ["done", 1, 1]
    # x264 writes its settings into the stream.
    assert b" threads=1 " in (tmp_path / "threads.mp4").read_bytes()


def test_signs_of_life_come_now_and_then_and_count_every_frame():
    now_s = iter([0.0, 0.1, MOVED_EVERY_S, MOVED_EVERY_S + 0.1, 2 * MOVED_EVERY_S])
    said = []
    view = SignsOfLife(lambda *numbers: said.append(numbers), clock=lambda: next(now_s))
    view.frames_total = 9
    for _ in range(4):
        view.write(None, None)

    assert view.frames == 4
    assert said == [(2, 9), (4, 9)]
