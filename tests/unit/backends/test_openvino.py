import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtau.backends import bundled_models, open_engine
from rtau.backends.parity import as_crops, difference, probe_crops
from rtau.errors import BackendUnavailable, ContractError, EngineError, UsageError
from tests.support.doubles import LANDMARK_RULE, make_contract

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx

from tests.support.models import build_model

ROOT = Path(__file__).parents[3]
OPEN_AND_COUNT = """
import sys, threading
from rtau.backends import open_engine
open_engine(sys.argv[1], provider="openvino").close()
telemetry = sys.modules.get("openvino_telemetry")
print([thread.name for thread in threading.enumerate()], telemetry is not None)
"""
CLOSE_ELSEWHERE = """
import gc, signal, sys, threading
from rtau.backends import open_engine
engines = [open_engine(sys.argv[1], provider="openvino")]
def close():
    engines.pop().close()
    gc.collect()
thread = threading.Thread(target=close)
thread.start()
thread.join()
signal.signal(signal.SIGINT, lambda *_: print("heard"))
signal.raise_signal(signal.SIGINT)
"""
pytestmark = [pytest.mark.needs_openvino, pytest.mark.needs_onnxruntime]


@pytest.fixture
def model(tmp_path):
    def write(name="model.onnx", **options):
        path = tmp_path / name
        path.write_bytes(build_model(**options))
        return path

    return write


def test_float32_answers_are_those_of_onnx_runtime():
    """The row of the parity table: without the hint for exact arithmetic it would be bfloat16."""
    path = str(next(iter(bundled_models().values())))
    with open_engine(path, provider="cpu") as wanted, open_engine(path, provider="openvino") as got:
        crops = as_crops(probe_crops(16, size=wanted.contract.input_size))
        found = difference(
            wanted.infer(crops, cams=True), got.infer(crops, cams=True), wanted.contract
        )

    assert found.max_dp < 2e-4
    assert found.changed_decisions == 0
    assert found.cam_correlation > 0.9999


def test_int8_for_tensorrt_is_refused_and_that_for_cpus_runs(model):
    """The first of them saturates on a CPU without VNNI, in silence."""
    for_cpus = make_contract(precision="int8", int8_profile="cpu")
    with open_engine(str(model(contract=for_cpus)), provider="openvino") as engine:
        assert engine.device.endswith("int8")
    for_tensorrt = make_contract(precision="int8", int8_profile="trt")
    with pytest.raises(ContractError, match="is made for TensorRT, and OpenVINO would give wrong"):
        open_engine(str(model(contract=for_tensorrt)), provider="openvino")


def test_the_device_names_library_processor_and_precision(model):
    with open_engine(str(model()), provider="openvino") as engine:
        assert engine.device.startswith("openvino 20")
        assert "CPU (" in engine.device
        assert engine.device.endswith("fp32")
        assert engine.max_batch == 64


def test_nothing_is_told_to_anyone(model, tmp_path):
    """Left alone, `import openvino` reports itself from a thread and keeps an id in the home."""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AND_COUNT, str(model())],
        check=False,
        cwd=ROOT,
        env={"HOME": str(home), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout == "['MainThread'] False\n", done.stderr
    assert not list(home.iterdir())


def test_only_who_asks_gets_openvino(model):
    with open_engine(str(model())) as engine:
        assert engine.device.startswith("onnxruntime")


def test_heatmaps_nobody_wants_are_not_computed(model):
    with open_engine(str(model()), provider="openvino") as engine:
        size = engine.contract.input_size
        scores = engine.infer(as_crops(probe_crops(2, size=size)))

    assert scores.cams is None


@pytest.mark.parametrize("cams", [True, False])
def test_landmarks_come_with_every_batch(model, cams):
    path = str(model(contract=make_contract(landmarks=LANDMARK_RULE)))
    crops = as_crops(probe_crops(3, size=32))
    with open_engine(path, provider="openvino") as engine, open_engine(path) as other:
        got, wanted = engine.infer(crops, cams=cams), other.infer(crops, cams=cams)

    assert got.landmarks_xy.shape == (3, 68, 2)
    np.testing.assert_allclose(got.landmarks_xy, wanted.landmarks_xy, rtol=1e-5)


def test_batches_over_the_maximum_are_split(model):
    contract = make_contract(max_batch=2)
    with open_engine(str(model(contract=contract)), provider="openvino") as engine:
        scores = engine.infer(as_crops(probe_crops(5, size=contract.input_size)), cams=True)

    assert scores.logits.shape == (5, 3)
    assert scores.cams.shape == (5, 3, 7, 7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"with_contract": False}, "no rtau contract"),
        ({"logits": 2}, "inputs and outputs must be"),
        ({"cams": False}, "inputs and outputs must be"),
        ({"contract": make_contract(input_size=48)}, "inputs and outputs must be"),
    ],
    ids=str,
)
def test_a_file_that_breaks_its_contract_is_refused(model, options, said):
    with pytest.raises(ContractError, match=said) as caught:
        open_engine(str(model(**options)), provider="openvino")
    assert "model.onnx" in str(caught.value)


@pytest.mark.parametrize("damage", ["empty", "text", "half", "graph"])
def test_a_broken_file_is_one_line(model, damage):
    path = model()
    whole = path.read_bytes()
    proto = onnx.load_from_string(whole)
    proto.graph.node[0].op_type = "Exec"
    damaged = {
        "empty": b"",
        "text": b"this is no model",
        "half": whole[: len(whole) // 2],
        "graph": proto.SerializeToString(),
    }
    path.write_bytes(damaged[damage])

    with pytest.raises(ContractError) as caught:
        open_engine(str(path), provider="openvino")
    assert "\n" not in str(caught.value)


def test_crops_of_another_size_are_refused(model):
    with (
        open_engine(str(model()), provider="openvino") as engine,
        pytest.raises(ContractError, match="takes crops of 32 px, got 64"),
    ):
        engine.infer(as_crops(probe_crops(1, size=64)))


def test_a_model_without_heatmaps_says_so(model):
    contract = make_contract(cam_method=None, cam_scale=None)
    with (
        open_engine(str(model(contract=contract, cams=False)), provider="openvino") as engine,
        pytest.raises(ContractError, match="has no CAM output"),
    ):
        engine.infer(as_crops(probe_crops(1, size=32)), cams=True)


def test_values_that_are_not_finite_stop_the_run(model):
    with pytest.raises(EngineError, match="logits must be finite"):
        open_engine(str(model(nan=True)), provider="openvino")


def test_a_closed_engine_says_so(model):
    engine = open_engine(str(model()), provider="openvino")
    engine.close()

    with pytest.raises(EngineError, match="is closed"):
        engine.infer(as_crops(probe_crops(1, size=32)))


def test_another_provider_is_refused(model):
    backend = importlib.import_module("rtau.backends.openvino")

    with pytest.raises(UsageError, match="--provider openvino, got 'cpu'"):
        backend.OpenVINOEngine(model(), provider="cpu")


def test_without_openvino_the_extra_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "rtau.backends.openvino", None)

    with pytest.raises(BackendUnavailable, match=r'pip install "rtau\[openvino\]"'):
        open_engine(str(model()), provider="openvino")


def test_the_number_of_threads_is_passed_on(model):
    with open_engine(str(model()), provider="openvino", threads=1) as engine:
        assert np.isfinite(engine.infer(as_crops(probe_crops(1, size=32))).logits).all()


def test_a_signal_after_closing_on_another_thread_is_heard(model):
    """The plug-in's own stack for signals must outlive the engine: this once ended in SIGSEGV."""
    done = subprocess.run(
        [sys.executable, "-c", CLOSE_ELSEWHERE, str(model())],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
