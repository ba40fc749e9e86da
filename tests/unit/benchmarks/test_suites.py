import subprocess
import sys

import pytest

from tests.support.commands import ROOT


def run(*suites):
    """Returns what pytest prints of some suites that were run once, untimed."""
    pytest.importorskip("pytest_benchmark", reason="the bench extra is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--smoke", *(f"benchmarks/{s}" for s in suites)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@pytest.mark.needs_onnxruntime
def test_stages_and_whole_runs_run_their_code_with_smoke():
    assert "23 passed in" in run("bench_stages.py", "bench_end_to_end.py")


@pytest.mark.slow
@pytest.mark.needs_torch
@pytest.mark.needs_onnx
@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize("suite", ["bench_infer.py", "bench_cam.py"])
def test_suites_that_export_run_their_code_too(suite):
    assert " passed" in run(suite)
