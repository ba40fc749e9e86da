"""A file is skipped only when its record proves that it is done."""

import copy
import dataclasses
import json
import os

import pytest

from rtau.config import RunConfig, settings
from rtau.contract import sha256_of
from rtau.runs.batch._resume import (
    IRRELEVANT_SETTINGS,
    Fingerprint,
    changed_settings,
    reason_to_rerun,
)
from rtau.runs.batch.plan import FileJob

SETTINGS = RunConfig().to_dict()
MAKING = Fingerprint(rtau_version="0.1.0", model_sha256="ab" * 32, settings=SETTINGS)


@pytest.fixture
def job(tmp_path):
    """A file that is done: its record and its results are there."""
    file = tmp_path / "a.mov"
    file.write_bytes(b"pictures")
    job = FileJob(file, tmp_path / "out" / "a", ("mp4", "csv"))
    job.stem.parent.mkdir()
    for kind, path in job.outputs.files.items():
        path.write_text(kind)
    status = file.stat()
    record = {
        "schema": 1,
        "end_reason": "end of source",
        "rtau_version": "0.1.0",
        "source": {"file": {"size_bytes": status.st_size, "modified_ns": status.st_mtime_ns}},
        "model": {"sha256": "ab" * 32},
        "settings": copy.deepcopy(SETTINGS),
        "output_bytes": {"video": 5, "csv": 3},
    }
    job.record.write_text(json.dumps(record))
    return job


def change(job, **parts):
    record = json.loads(job.record.read_text())
    for key, value in parts.items():
        where, _, last = key.rpartition("__")
        (record[where] if where else record)[last] = value
    job.record.write_text(json.dumps(record))


def test_a_file_whose_record_proves_it_is_skipped(job):
    assert reason_to_rerun(job, MAKING) is None


def test_a_file_of_neutrals_that_has_changed_is_a_reason(job, tmp_path):
    neutral = tmp_path / "anna.neutral.toml"
    neutral.write_text("one")
    asked = copy.deepcopy(SETTINGS)
    asked["decide"]["neutral"] = str(neutral)
    making = dataclasses.replace(MAKING, settings=asked)
    change(job, settings=asked, neutral={"sha256": sha256_of(neutral)})
    assert reason_to_rerun(job, making) is None
    neutral.write_text("two")
    assert reason_to_rerun(job, making) == f"{neutral} has changed"


def test_a_run_to_a_frame_limit_is_done_too(job):
    change(job, end_reason="frame limit")
    assert reason_to_rerun(job, MAKING) is None


def test_results_without_a_record_are_no_reason_to_skip(job):
    job.record.unlink()
    assert reason_to_rerun(job, MAKING) == "no run record"


@pytest.mark.parametrize("end", ["interrupted", "stopped by user", "failed: disk full", None])
def test_an_unfinished_run_is_done_again(job, end):
    change(job, end_reason=end)
    assert reason_to_rerun(job, MAKING) == f"its run was not finished ({end})"


def test_a_file_that_was_written_to_is_done_again(job):
    job.file.write_bytes(b"pictures!")
    assert reason_to_rerun(job, MAKING) == "the file has changed"


def test_a_file_that_is_gone_is_not_skipped(job):
    job.file.unlink()
    assert reason_to_rerun(job, MAKING) == "the file has changed"


def test_a_file_of_the_same_size_but_another_time_is_done_again(job):
    time_ns = job.file.stat().st_mtime_ns + 1000
    os.utime(job.file, ns=(time_ns, time_ns))
    assert reason_to_rerun(job, MAKING) == "the file has changed"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"rtau_version": "0.0.9"}, "made by rtau 0.0.9"),
        ({"model__sha256": "cd" * 32}, "made with another model"),
        ({"model": None}, "made with another model"),
        ({"source": None}, "the file has changed"),
        ({"schema": 99}, "the run record does not have schema 1"),
        ({"output_bytes": {"csv": 3}}, "made without .mp4"),
        ({"output_bytes": {"csv": 4, "video": 5}}, "a.csv has changed since"),
    ],
)
def test_whatever_else_differs_is_a_reason(job, parts, reason):
    change(job, **parts)
    assert reason_to_rerun(job, MAKING) == reason


def test_a_missing_or_truncated_result_is_a_reason(job):
    job.outputs.files["csv"].write_text("cs")
    assert reason_to_rerun(job, MAKING) == "a.csv has changed since"
    job.outputs.files["csv"].unlink()
    assert reason_to_rerun(job, MAKING) == "a.csv is missing"


@pytest.mark.parametrize("text", ["", "[]", "{", '"done"', "\udcff"])
def test_an_invalid_record_is_a_reason_and_no_error(job, text):
    job.record.write_text(text, errors="surrogateescape")
    assert reason_to_rerun(job, MAKING).startswith("the run record")


@pytest.mark.parametrize("item", list(settings()), ids=lambda item: f"{item.section}.{item.key}")
def test_every_setting_either_counts_or_is_listed_as_irrelevant(job, item):
    """A new setting counts unless it is listed as irrelevant to results."""
    change(job, **{f"settings__{item.section}": {**SETTINGS[item.section], item.key: "other"}})
    reason = reason_to_rerun(job, MAKING)
    if (item.section, item.key) in IRRELEVANT_SETTINGS:
        assert reason is None
    else:
        assert reason == f"made with other settings ({item.section}.{item.key})"


def test_a_setting_that_is_unknown_on_one_side_differs():
    assert changed_settings({"a": {"new": None}}, {"a": {}}) == ["a.new"]
    assert changed_settings({"a": 3}, {"a": {"new": 1}}) == ["a.new"]
    assert changed_settings({}, {}) == []
