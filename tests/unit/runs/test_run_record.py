"""The run record: complete or absent, plain JSON."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau.protocols import SourceInfo
from rtau.runs.run_record import (
    END_OF_SOURCE,
    FileStamp,
    ModelRecord,
    RunRecord,
    SourceRecord,
    failed,
    remove_run_record,
    utc_now,
    write_run_record,
)
from tests.support.doubles import make_contract
from tests.support.limits import file_size_limit

INFO = SourceInfo(
    name="clip.mp4", width=640, height=360, nominal_fps=Fraction(30000, 1001), frame_count=600
)


def make_record(**changes):
    values = {
        "rtau_version": "0.1.0",
        "command": ("rtau", "video", "clip.mp4"),
        "started_utc": utc_now(),
        "finished_utc": utc_now(),
        "end_reason": END_OF_SOURCE,
        "source": SourceRecord.of(INFO, is_live=False),
        "model": None,
        "device": "onnxruntime 1.32.0, CPUExecutionProvider",
        "settings": {"smooth_s": 0.0},
        "frames_read": 600,
        "frames_processed": 599,
        "frames_dropped": 0,
        "frames_corrupt": 1,
        "tracks": 2,
        "reconnects": 0,
        "wall_s": 3.5,
        "processed_fps": 171.1,
        "stage_ms": {"detect": {"p50": 1.0, "p95": 2.0, "p99": 3.0}},
        "latency_ms": None,
        "outputs": {"csv": "clip.csv"},
    }
    return RunRecord(**{**values, **changes})


def written(path, record):
    write_run_record(path, record)
    return json.loads(path.read_text("utf-8"))


def test_every_field_is_in_the_file_with_machine_and_versions(tmp_path):
    read = written(tmp_path / "r.json", make_record())
    fields = {field.name for field in dataclasses.fields(RunRecord)}
    assert set(read) == fields | {"schema", "environment"}
    assert read["schema"] == 1
    assert read["source"]["nominal_fps"] == pytest.approx(29.97, abs=0.001)
    assert read["environment"]["packages"]["numpy"] == np.__version__
    assert read["environment"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert read["environment"]["cpu_count"] >= 1


def test_the_model_is_known_by_the_bytes_of_its_file(tmp_path):
    model = tmp_path / "m.onnx"
    model.write_bytes(b"weights" * 400_000)
    contract = make_contract()
    record = ModelRecord.of(contract, model)
    assert record.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    read = written(tmp_path / "r.json", make_record(model=record))["model"]
    assert read["labels"] == list(contract.labels)
    assert read["thresholds"] == list(contract.thresholds)
    assert read["weights_sha256"] == contract.weights_sha256


class Policy(enum.Enum):
    WAIT = "wait"


@dataclasses.dataclass(frozen=True)
class Nested:
    path: Path
    rate: Fraction
    policy: Policy
    names: frozenset[str]


def test_settings_of_any_plain_kind_become_json(tmp_path):
    nested = Nested(Path("a/b.csv"), Fraction(25), Policy.WAIT, frozenset("ba"))
    settings = {"nested": nested, "nan": float("nan"), "pair": (1, None), 7: True}
    assert written(tmp_path / "r.json", make_record(settings=settings))["settings"] == {
        "nested": {"path": "a/b.csv", "rate": "25", "policy": "wait", "names": ["a", "b"]},
        "nan": None,
        "pair": [1, None],
        "7": True,
    }


def test_a_value_json_cannot_hold_is_a_bug(tmp_path):
    with pytest.raises(TypeError, match="plain values only, got ndarray"):
        write_run_record(tmp_path / "r.json", make_record(settings={"x": np.zeros(2)}))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_old_record_whole(tmp_path):
    path = tmp_path / "r.json"
    write_run_record(path, make_record(end_reason="the old one"))
    with file_size_limit(100), pytest.raises(SinkError, match=r"r\.json cannot be written"):
        write_run_record(path, make_record())
    assert json.loads(path.read_text())["end_reason"] == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_record_says_which_state_of_the_file_was_read(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"pictures")
    os.utime(clip, ns=(5, 1_700_000_000_123_456_789))
    source = SourceRecord.of(INFO, is_live=False, file=FileStamp.of(clip))
    write_run_record(tmp_path / "r.json", make_record(source=source, output_bytes={"csv": 7}))
    written = json.loads((tmp_path / "r.json").read_text())

    assert written["source"]["file"] == {
        "size_bytes": 8,
        "modified_ns": 1_700_000_000_123_456_789,
    }
    assert written["output_bytes"] == {"csv": 7}


def test_a_file_that_is_gone_has_no_state(tmp_path):
    with pytest.raises(SourceOpenError, match="No such file"):
        FileStamp.of(tmp_path / "gone.mp4")


def test_an_old_record_is_removed_where_a_link_leads_and_none_is_no_error(tmp_path):
    (tmp_path / "there.json").touch()
    (tmp_path / "r.json").symlink_to(tmp_path / "there.json")
    for _ in range(2):
        remove_run_record(tmp_path / "r.json")

    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_record_that_cannot_be_removed_is_an_error(tmp_path):
    with pytest.raises(SinkError, match="of an earlier run cannot be removed"):
        remove_run_record(tmp_path)


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(UsageError, match="is a directory"):
        write_run_record(tmp_path, make_record())
    with pytest.raises(SinkError, match="does not exist"):
        write_run_record(tmp_path / "nowhere" / "r.json", make_record())


def test_end_reasons_and_times_are_readable():
    assert failed(SinkError("disk full")) == "failed: disk full"
    assert failed(KeyError()) == "failed: KeyError"
    assert datetime.datetime.fromisoformat(utc_now()).utcoffset() == datetime.timedelta(0)


def test_asking_for_versions_loads_no_heavy_library(tmp_path):
    """And so do all sinks but the one that encodes video."""
    code = (
        "import sys, rtau.runs.run_record as r, rtau.sinks.csv_file, rtau.sinks.jsonl_file\n"
        "r.environment()\n"
        "print(sorted({'cv2', 'av', 'onnxruntime', 'rich', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
