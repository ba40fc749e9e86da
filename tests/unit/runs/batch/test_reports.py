"""The contents of `batch.json`."""

import json

from rtau.runs.batch._reports import BatchRecord, FileReport

FILES = [
    FileReport("a.mp4", "done", frames=30, fps=15.0, seconds=2.0),
    FileReport("b.mp4", "failed", frames=10, seconds=1.0, error="not a video"),
    FileReport("c.mp4", "done", frames=20, fps=10.0, seconds=2.0),
    FileReport("d.mp4", "skipped"),
]
RECORD = BatchRecord(
    rtau_version="0.1.0",
    command=("rtau", "video"),
    started_utc="2026-01-31T12:00:00+00:00",
    finished_utc=None,
    end_reason="running",
    workers="2 processes of 1 thread",
    model={"path": "m.onnx", "sha256": "ab"},
    settings={"find": {"faces": None}},
    seconds=4.0,
    files=FILES,
)


def test_the_record_counts_files_by_status():
    assert RECORD.counts == {"done": 2, "failed": 1, "skipped": 1}
    assert RECORD.fps == 15.0


def test_the_record_is_one_json_file(tmp_path):
    RECORD.write(tmp_path / "batch.json")
    written = json.loads((tmp_path / "batch.json").read_text())

    assert written["schema"] == 1
    assert (written["frames"], written["fps"]) == (60, 15.0)
    assert written["files"][1] == {
        "file": "b.mp4",
        "status": "failed",
        "frames": 10,
        "fps": 0.0,
        "seconds": 1.0,
        "error": "not a video",
        "notes": [],
    }
    assert "python" in written["environment"]
    assert [path.name for path in tmp_path.iterdir()] == ["batch.json"]
