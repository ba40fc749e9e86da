import dataclasses
import json

import pytest

from rtau.errors import SinkError, UsageError
from rtau.runs.bench.record import (
    Target,
    device_slug,
    parse_bench_record,
    read_bench_record,
    write_bench_record,
)
from tests.support.records import CLIP, MET, make_metric, make_record


def test_a_record_survives_the_file(tmp_path):
    record, path = make_record(), tmp_path / "0.1.0" / "a.json"
    write_bench_record(path, record)
    assert read_bench_record(path) == record


def test_the_file_is_named_by_suite_machine_and_device():
    assert make_record().file_name == "stages--test-cpu-2-cores--cpu.json"


@pytest.mark.parametrize(
    ("device", "slug"),
    [
        ("onnxruntime 1.32.0, CUDAExecutionProvider", "cuda"),
        ("openvino 2026.4, CPU (AMD EPYC), int8", "openvino"),
        ("TensorRT 10.3 on Orin, fp16, CUDA graphs", "tensorrt"),
    ],
)
def test_the_device_is_what_ran_the_network(device, slug):
    assert device_slug(device) == slug


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"suite": "Two words"}, "suite must be a lower-case name"),
        ({"commit": "main"}, "commit must be 40"),
        ({"started_utc": "yesterday"}, "started_utc must be an ISO 8601 time"),
        ({"figures": (), "targets": ()}, "at least one metric or target"),
        ({"figures": (make_metric(), make_metric())}, "metrics must have different keys"),
        ({"clips": ()}, "clips that are not listed.*faces-1-640x360"),
    ],
)
def test_a_record_that_cannot_be_is_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        make_record(**changes)


def test_clips_and_targets_check_themselves():
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        dataclasses.replace(CLIP, sha256="x")
    with pytest.raises(UsageError, match="must have pixels"):
        dataclasses.replace(CLIP, frames=0)
    with pytest.raises(UsageError, match="must say why"):
        Target("speed", "at least 1 x", None, iqr=None, pairs=0, is_met=None)
    with pytest.raises(UsageError, match="go together"):
        dataclasses.replace(MET, is_met=None)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda p: p.pop("schema"), "schema must be 1, got None"),
        (lambda p: p.pop("machine"), "missing key machine"),
        (lambda p: p.update(speed=1), "unknown key speed; "),
        (lambda p: p["machine"].update(cores="2"), "machine.cores must be int, got str '2'"),
        (lambda p: p.update(is_dirty=1), "is_dirty must be bool"),
        (lambda p: p["machine"].update(cores=True), "machine.cores must be int, got bool True"),
        (lambda p: p["figures"][0].update(unit="furlongs"), "unit must be one of"),
        (lambda p: p["figures"][0].update(p50=9.0), "p50 <= p95"),
    ],
)
def test_a_wrong_field_is_named_with_the_file(damage, words):
    payload = json.loads(make_record().to_json())
    damage(payload)
    with pytest.raises(UsageError, match=f"a.json: .*{words}"):
        parse_bench_record(json.dumps(payload), origin="a.json")


def test_what_is_no_json_or_no_file_is_an_error_of_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"a\.json: a benchmark record must be JSON"):
        parse_bench_record("{", origin="a.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read_bench_record(tmp_path / "missing.json")


def test_a_record_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot be written"):
        write_bench_record(tmp_path / "file" / "a.json", make_record())
