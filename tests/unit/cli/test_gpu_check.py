import argparse
import dataclasses
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from rtau.backends.engine_file import Gpu
from rtau.backends.parity import Difference
from rtau.backends.scripted import ScriptedEngine
from rtau.cli import gpu_check
from rtau.cli.gpu_check import Row, Timing, check, run, table, time_batch
from rtau.cli.main import main
from rtau.errors import BackendUnavailable, EngineError
from tests.support.doubles import brightness_logits, flat_cams, make_contract

SMALL = make_contract()


class Bench:
    """Opens scripted engines by name; a name may shift its logits, be missing or fail."""

    def __init__(self, **behaviour):
        self.behaviour = behaviour
        self.opened, self.closed = [], 0

    def __call__(self, model, provider):
        self.opened.append((model, provider))
        what = self.behaviour.get(provider, 0.0)
        if isinstance(what, Exception):
            raise what
        bench = self
        precision = "fp16" if model.endswith(".engine") else "fp32"

        class Engine(ScriptedEngine):
            device = f"double of {provider}"

            def close(self):
                bench.closed += 1

        return Engine(
            dataclasses.replace(SMALL, precision=precision),
            lambda crops: brightness_logits(crops) + np.float32(what),
            cams_of=flat_cams,
        )


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(gpu_check, "MOST_RUNS", 2)


def rows_of(models, bench):
    return list(check(models, open_one=bench, progress=lambda words: None))


def test_every_model_meets_every_backend_and_is_closed():
    bench = Bench()
    rows = rows_of(["a.engine", "a.onnx"], bench)
    assert bench.opened == [
        ("a.onnx", "cpu"),
        ("a.onnx", "cuda"),
        ("a.onnx", "tensorrt"),
        ("a.onnx", "tensorrt-rtx"),
        ("a.engine", "tensorrt"),
    ]
    assert bench.closed == 5
    assert rows[0].difference is None
    assert all(row.difference.max_dp == 0 for row in rows[1:])
    assert all(row.difference.cam_correlation == 1 for row in rows[1:])
    assert {(one.batch, one.with_cams) for one in rows[0].timings} == {
        (1, False),
        (8, False),
        (32, False),
        (8, True),
    }


def test_a_difference_is_judged_by_the_precision():
    rows = rows_of(["a.onnx", "a.engine"], Bench(cuda=0.5, tensorrt=0.05))
    sound = {(row.model, row.provider): row.is_sound for row in rows}
    assert sound == {
        ("a.onnx", "cpu"): True,
        ("a.onnx", "cuda"): False,
        ("a.onnx", "tensorrt"): False,
        ("a.onnx", "tensorrt-rtx"): True,
        ("a.engine", "tensorrt"): True,
    }


def test_a_missing_provider_is_no_fault_and_a_failing_one_is():
    bench = Bench(cuda=BackendUnavailable("has only CPU"), tensorrt=EngineError("CUDA error 700"))
    rows = {(row.model, row.provider): row for row in rows_of(["a.onnx", "a.engine"], bench)}
    assert rows["a.onnx", "cuda"].is_absent
    assert rows["a.onnx", "cuda"].is_sound
    assert not rows["a.onnx", "tensorrt"].is_sound
    assert rows["a.engine", "tensorrt"].problem == "CUDA error 700"


def test_an_engine_that_cannot_run_here_is_a_fault():
    (row,) = rows_of(["a.engine"], Bench(tensorrt=BackendUnavailable("built for Orin")))
    assert not row.is_sound


def test_the_table_is_markdown_with_the_reasons_below():
    difference = Difference(
        max_dlogit=0.01,
        max_dp=0.00123,
        mean_dp=0.0001,
        changed_decisions=1,
        decisions=384,
        cam_correlation=0.99987,
    )
    timing = Timing(batch=8, with_cams=True, median_ms=1.234, p95_ms=2.5)
    lines = table(
        [
            Row("a.onnx", "cpu", device="onnxruntime 1", precision="fp32"),
            Row("b.engine", "tensorrt", "trt 10", "fp16", difference, (timing,)),
            Row("a.onnx", "cuda", problem="has only CPU", is_absent=True),
        ]
    )
    assert lines[0].count("|") == lines[1].count("|") == lines[3].count("|") == 12
    assert "| reference | - | - |" in lines[2]
    assert "| 1.2e-03 | 1/384 | 0.99987 | - | - | - | 1.23 (2.50) | yes |" in lines[3]
    assert lines[-1] == "not here: a.onnx on cuda: has only CPU"


def test_times_are_of_the_batch_that_was_asked_for():
    engine = Bench()("a.onnx", "cpu")
    timing = time_batch(engine, batch=8, with_cams=True)
    assert (timing.batch, timing.with_cams) == (8, True)
    assert 0 < timing.median_ms <= timing.p95_ms


@pytest.fixture
def gpu(monkeypatch):
    driver = SimpleNamespace(find_gpu=lambda: Gpu("Orin", "8.7"), driver_version=lambda: "12.6")
    monkeypatch.setitem(sys.modules, "rtau.backends._cuda_driver", driver)


def test_the_report_says_on_what_machine_it_was_made(gpu, monkeypatch, capsys, tmp_path):
    path = tmp_path / "a.onnx"
    path.touch()
    monkeypatch.setattr(gpu_check, "_open", Bench())
    assert run(argparse.Namespace(models=[str(path)], json=False)) == 0
    shown = capsys.readouterr()
    assert "on Orin (sm_87), driver for CUDA 12.6" in shown.out
    assert f"checking {path} on cuda" in shown.err
    monkeypatch.setattr(gpu_check, "_open", Bench(cuda=0.5))
    assert run(argparse.Namespace(models=[str(path)], json=True)) == 1
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 4


def test_without_a_gpu_it_is_one_line_and_exit_code_1(monkeypatch, capsys):
    def none_there():
        raise BackendUnavailable("no NVIDIA GPU can be used on this machine: no driver")

    driver = SimpleNamespace(find_gpu=none_there)
    monkeypatch.setitem(sys.modules, "rtau.backends._cuda_driver", driver)
    assert main(["doctor", "--gpu"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "rtau: no NVIDIA GPU can be used on this machine: no driver\n"


def test_models_without_the_flag_are_a_usage_error(capsys):
    assert main(["doctor", "a.engine"]) == 2
    assert "rtau doctor --gpu a.engine" in capsys.readouterr().err
