"""Running one file: always a report, and never more threads than the share."""

import dataclasses
import json
import subprocess
import sys

import pytest

from rtau.backends import find_model
from rtau.config import build
from rtau.contract import sha256_of
from rtau.errors import BackendUnavailable, UsageError
from rtau.runs.batch import _worker
from rtau.runs.batch._worker import HEARTBEAT_EVERY_S, Heartbeat, JobSpec, prepared, run_file
from rtau.runs.batch.plan import FileJob
from rtau.sinks import PartFile
from tests.support import media
from tests.support.commands import ROOT

THREADS_OF_A_WORKER = """
import json, os, sys
from pathlib import Path
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch._worker import JobSpec, run_file
from rtau.backends import find_model
from rtau.config import RunConfig
from rtau.contract import sha256_of
spec = JobSpec(RunConfig(), (), threads=1, model_sha256=sha256_of(find_model("shufflenetv2-au14")))
report, _ = run_file(spec, FileJob(Path(sys.argv[1]), Path(sys.argv[2]), ("mp4", "csv")))
import cv2
engine = __import__("rtau.runs.batch._worker", fromlist=["prepared"]).prepared(spec).engine
print(json.dumps([report.status, cv2.getNumThreads(), engine._threads]))
"""


@pytest.fixture(autouse=True)
def fresh_worker(monkeypatch):
    """No engine is shared with another test, and OpenCV's threads are not limited here."""
    monkeypatch.setenv(_worker.OPENCV_THREADS, "2")
    prepared.cache_clear()
    yield
    prepared.cache_clear()


@pytest.fixture
def spec():
    sha256 = sha256_of(find_model("shufflenetv2-au14"))
    return JobSpec(build({}), ("rtau", "video"), threads=1, model_sha256=sha256)


@pytest.fixture
def job(tmp_path):
    file = media.write_clip(tmp_path / "a.mp4", count=5)
    return FileJob(file, tmp_path / "result", ("csv",))


@pytest.mark.needs_onnxruntime
def test_a_file_that_is_done_is_reported_with_its_frames(spec, job):
    report, summary = run_file(spec, job)

    assert (report.file, report.status, report.frames) == (str(job.file), "done", 5)
    assert report.seconds > 0
    assert report.error is None
    assert summary.startswith("5 frames, 0 faces")
    record = json.loads(job.record.read_text())
    assert record["notes"] == [
        "no face of 1/12 of the picture's shorter side or more was found (--min-face)"
    ]
    assert record["settings"]["model"]["threads"] == 1
    assert record["output_bytes"] == {"csv": job.outputs.files["csv"].stat().st_size}


@pytest.mark.needs_onnxruntime
def test_a_file_that_is_no_video_fails_without_ending_the_batch(spec, job):
    media.write_text_as_video(job.file)
    report, summary = run_file(spec, job)

    assert (report.status, report.frames) == ("failed", 0)
    assert report.error.startswith("not a video that can be read")
    assert summary == f"failed: {report.error}"


@pytest.mark.needs_onnxruntime
def test_old_results_and_their_record_stay_until_the_new_ones_are_whole(spec, job, monkeypatch):
    """A killed run then leaves a table and the record that belongs to it."""
    run_file(spec, job)
    table, record = job.outputs.files["csv"], job.record.read_bytes()
    before = table.read_bytes()
    seen = []
    plain = Heartbeat.write
    monkeypatch.setattr(
        Heartbeat,
        "write",
        lambda *args: seen.append((table.read_bytes(), job.record.read_bytes())) or plain(*args),
    )
    run_file(spec, job)

    assert seen == [(before, record)] * 5
    assert job.record.read_bytes() != record
    assert not list(table.parent.glob("*part*"))


@pytest.mark.needs_onnxruntime
def test_an_old_record_is_removed_before_its_results_are_replaced(spec, job, monkeypatch):
    """Otherwise a run killed in between would leave a table with the record of another."""
    run_file(spec, job)
    seen = []
    plain = PartFile.place
    monkeypatch.setattr(
        PartFile, "place", lambda part: seen.append(job.record.exists()) or plain(part)
    )
    run_file(spec, job)

    assert seen == [False] * 2
    assert job.record.exists()


@pytest.mark.needs_onnxruntime
def test_a_bug_keeps_its_traceback_and_fails_one_file(spec, job, monkeypatch, capsys):
    def broken(*args):
        raise ZeroDivisionError("half a face")

    monkeypatch.setattr(Heartbeat, "write", broken)
    report, _ = run_file(spec, job)

    assert report.error == (
        "ZeroDivisionError: half a face (a bug in rtau: its traceback is above)"
    )
    assert "Traceback" in capsys.readouterr().err
    assert json.loads(job.record.read_text())["end_reason"] == "failed: half a face"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rtau_version": "9.9"}, "this worker has rtau .*, the batch was started by 9.9"),
        (
            {"model_sha256": "ab" * 32},
            "the model file of this worker differs from that of the batch",
        ),
    ],
)
def test_a_worker_with_another_version_or_model_refuses_to_run(spec, job, change, message):
    with pytest.raises(BackendUnavailable, match=message):
        run_file(dataclasses.replace(spec, **change), job)

    assert not job.record.exists()


@pytest.mark.needs_onnxruntime
def test_a_heatmap_the_model_lacks_fails_the_whole_batch(spec, job):
    wrong = dataclasses.replace(spec, config=build({("overlay", "heatmap"): "AU99"}))
    with pytest.raises(UsageError, match="--heatmap must be one of"):
        run_file(wrong, job)


def test_given_thread_counts_are_kept_and_others_default_to_the_share(spec):
    shared = dataclasses.replace(spec, threads=3).worker_config
    assert (shared.model.threads, shared.output.encoder_threads) == (3, 3)

    given = build({("model", "threads"): 7, ("output", "encoder_threads"): 5})
    kept = dataclasses.replace(spec, config=given, threads=3).worker_config
    assert (kept.model.threads, kept.output.encoder_threads) == (7, 5)


@pytest.mark.needs_onnxruntime
def test_every_library_of_a_worker_uses_at_most_its_share_of_threads(job, tmp_path):
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


def test_the_heartbeat_reports_at_intervals_and_counts_every_frame():
    now_s = iter([0.0, 0.1, HEARTBEAT_EVERY_S, HEARTBEAT_EVERY_S + 0.1, 2 * HEARTBEAT_EVERY_S])
    said = []
    view = Heartbeat(lambda *numbers: said.append(numbers), clock=lambda: next(now_s))
    view.frames_total = 9
    for _ in range(4):
        view.write(None, None)

    assert view.frames == 4
    assert said == [(2, 9), (4, 9)]
