import sys

import pytest

from rtau.errors import UsageError
from rtau.runs.bench import processes
from rtau.runs.bench.processes import process_metrics
from tests.support.media import write_clip

HOW = {"provider": "cpu", "times": 1}


@pytest.mark.needs_onnxruntime
def test_import_first_result_and_memory_are_measured_in_fresh_processes(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", count=40)
    found = process_metrics(clip, model="shufflenetv2-au14", folder=tmp_path, **HOW)
    assert [(one.name, one.unit) for one in found] == [
        ("import rtau", "ms"),
        ("start to first result", "s"),
        ("resident memory, peak", "MiB"),
    ]
    assert 0 < found[0].p50 < found[1].p50 * 1e3 < 60_000
    assert found[2].p50 > 20
    assert len((tmp_path / "memory.csv").read_text().splitlines()) == 41


def test_a_run_that_fails_is_an_error_with_the_command():
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(UsageError, match=r"-c raise .* gave no result; run it by hand"):
        processes.first_row_s(command)
    with pytest.raises(UsageError, match="failed; run it by hand"):
        processes.peak_memory_mib(command)


def test_memory_is_read_from_proc_or_unknown(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name: x\nVmHWM:\t 4096 kB\nVmRSS:\t 2048 kB\n")
    assert processes.resident_mib("7", proc=tmp_path) == 2.0
    assert processes.resident_mib("7", "VmHWM", proc=tmp_path) == 4.0
    assert processes.resident_mib("8", proc=tmp_path) is None
