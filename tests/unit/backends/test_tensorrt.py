import dataclasses
import json
import sys

import numpy as np
import pytest

from rtau.backends import open_engine
from rtau.backends.engine_file import Gpu, read_sidecar, sidecar_path
from rtau.backends.tensorrt import TensorRTEngine
from rtau.data import Crops
from rtau.errors import BackendUnavailable, ContractError, EngineError, UsageError
from rtau.protocols import Engine
from tests.support.doubles import LANDMARK_RULE, make_contract
from tests.support.tensorrt_double import (
    GRID,
    LABELS,
    SIDE,
    FakeCuda,
    fake_tensorrt,
    write_engine,
)

CROP_BYTES = SIDE * SIDE * 3
LOGIT_BYTES = LABELS * 4
CAM_BYTES = LABELS * GRID * GRID * 4


def crops_of(count, *, size=SIDE):
    images = np.zeros((count, size, size, 3), np.uint8) + np.arange(count, dtype=np.uint8).reshape(
        -1, 1, 1, 1
    )
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    return Crops(images, maps, np.arange(count, dtype=np.int64))


def opened(path, **options):
    """Returns an engine on the doubles and the fake GPU, its calls so far forgotten."""
    cuda = options.pop("cuda", None) or FakeCuda()
    tensorrt = options.pop("tensorrt", None) or fake_tensorrt(cuda)
    engine = TensorRTEngine(path, tensorrt=tensorrt, cuda=cuda, **options)
    cuda.calls.clear()
    return engine, cuda


@pytest.fixture
def path(tmp_path):
    return write_engine(tmp_path)


def test_it_is_an_engine_and_says_what_it_runs_on(path):
    engine, _ = opened(path)
    assert isinstance(engine, Engine)
    assert engine.device == "tensorrt 10.3.0 on Orin (sm_87), fp16, CUDA graphs"
    assert engine.max_batch == 8


def test_rows_come_back_in_order_and_belong_to_the_caller(path):
    engine, _ = opened(path)
    first = engine.infer(crops_of(5), cams=True)
    np.testing.assert_array_equal(first.logits[:, 0], np.arange(5))
    np.testing.assert_array_equal(first.cams[:, 2, 3, 3], np.arange(5) + 2)
    engine.infer(crops_of(8), cams=True)
    np.testing.assert_array_equal(first.logits[:, 0], np.arange(5))


def test_no_rows_touch_no_gpu(path):
    engine, cuda = opened(path)
    nothing = engine.infer(crops_of(0), cams=True)
    assert nothing.logits.shape == (0, LABELS)
    assert nothing.cams.shape == (0, LABELS, GRID, GRID)
    assert cuda.calls == []


def test_buffers_hold_the_greatest_batch_and_no_more(path):
    _, cuda = opened(path)
    assert sorted(cuda.pinned_bytes) == sorted([8 * CROP_BYTES, 8 * LOGIT_BYTES, 8 * CAM_BYTES])
    on_device = sorted(memory.nbytes for memory in cuda.device.values())
    assert on_device == sorted([4096, 8 * CROP_BYTES, 8 * LOGIT_BYTES, 8 * CAM_BYTES])


def test_only_the_rows_and_the_outputs_that_are_wanted_are_copied(path):
    engine, cuda = opened(path)
    engine.infer(crops_of(3))
    assert cuda.calls[1] == ("in", 3 * CROP_BYTES)
    assert [call for call in cuda.calls if call[0] == "out"] == [("out", 3 * LOGIT_BYTES)]
    cuda.calls.clear()
    engine.infer(crops_of(3), cams=True)
    outs = [call for call in cuda.calls if call[0] == "out"]
    assert outs == [("out", 3 * LOGIT_BYTES), ("out", 3 * CAM_BYTES)]


@pytest.mark.parametrize("cams", [True, False])
def test_landmarks_come_with_every_batch_and_from_the_twin(tmp_path, cams):
    contract = make_contract(precision="fp16", max_batch=8, landmarks=LANDMARK_RULE)
    path = write_engine(tmp_path, twin=True, contract=contract, plan={"landmarks": 68})
    engine, _ = opened(path)

    scores = engine.infer(crops_of(11), cams=cams)

    assert (scores.cams is not None) == cams
    np.testing.assert_array_equal(scores.landmarks_xy[:, 67, 1], np.arange(11))
    assert engine.infer(crops_of(0), cams=cams).landmarks_xy.shape == (0, 68, 2)


@pytest.mark.parametrize(
    ("points", "said"), [(0, "must have the tensors"), (5, "must be \\(68, 2")]
)
def test_an_engine_without_the_landmarks_its_contract_tells_of_is_refused(tmp_path, points, said):
    contract = make_contract(precision="fp16", max_batch=8, landmarks=LANDMARK_RULE)
    path = write_engine(tmp_path, contract=contract, plan={"landmarks": points})

    with pytest.raises(ContractError, match=said):
        opened(path)


def test_the_order_is_copy_run_copy_and_one_wait(path):
    engine, cuda = opened(path)
    engine.infer(crops_of(2), cams=True)
    assert cuda.names() == ["activate", "in", "launch", "out", "out", "wait"]


def test_more_rows_than_the_engine_holds_are_split(path):
    engine, cuda = opened(path)
    scores = engine.infer(crops_of(19), cams=True)
    np.testing.assert_array_equal(scores.logits[:, 1], np.arange(19) + 1)
    assert [call[1] // CROP_BYTES for call in cuda.calls if call[0] == "in"] == [8, 8, 3]


def test_fewer_rows_than_the_engine_takes_are_padded(tmp_path):
    engine, cuda = opened(write_engine(tmp_path, batch=(4, 4, 8)))
    scores = engine.infer(crops_of(2))
    assert len(scores) == 2
    assert ("in", 4 * CROP_BYTES) in cuda.calls


def test_a_shape_runs_plainly_once_and_then_as_a_graph(path):
    engine, cuda = opened(path)
    for _ in range(3):
        engine.infer(crops_of(7))
    how = [name for name in cuda.names() if name in ("enqueue", "capture", "launch")]
    assert how == ["enqueue", "capture", "launch", "launch"]


def test_small_batches_are_graphs_before_the_first_frame(path):
    engine, cuda = opened(path)
    for count in (1, 2, 3, 4):
        engine.infer(crops_of(count))
    assert "enqueue" not in cuda.names()
    assert cuda.names().count("launch") == 4


def test_a_captured_context_is_never_set_to_other_rows(path):
    engine, cuda = opened(path)
    for count in (1, 5, 1, 5, 6, 1):
        engine.infer(crops_of(count))
    (plan,) = engine._tensorrt.module.engines
    assert {context.shapes_set for context in plan.contexts} == {1}
    assert len(cuda.graphs) == 5


def test_graphs_of_rows_long_not_seen_are_freed(tmp_path):
    engine, cuda = opened(write_engine(tmp_path, batch=(1, 16, 32)))
    for count in range(1, 15):
        for _ in range(2):
            engine.infer(crops_of(count))
    assert len(cuda.graphs) == 8
    np.testing.assert_array_equal(engine.infer(crops_of(1)).logits[0], [0, 1, 2])


def test_a_plan_that_cannot_be_captured_runs_without_graphs_and_says_so(path, caplog):
    cuda = FakeCuda(fail_capture=True)
    engine, _ = opened(path, cuda=cuda)
    scores = engine.infer(crops_of(6))
    np.testing.assert_array_equal(scores.logits[:, 0], np.arange(6))
    assert engine.device.endswith("no CUDA graphs")
    assert "runs without CUDA graphs" in caplog.text
    assert caplog.text.count("without CUDA graphs") == 1


def test_tensorrt_for_rtx_makes_its_own_graphs(tmp_path):
    cuda = FakeCuda()
    path = write_engine(tmp_path, library="tensorrt_rtx", gpu=None, compute_capabilities=())
    engine, _ = opened(path, cuda=cuda, tensorrt=fake_tensorrt(cuda, library="tensorrt_rtx"))
    for count in (2, 2, 5, 2):
        engine.infer(crops_of(count))
    assert "capture" not in cuda.names()
    (plan,) = engine._tensorrt.module.engines
    assert plan.how.cuda_graph_strategy == "whole graph"
    assert engine.device.endswith("CUDA graphs")


def test_with_a_twin_no_cam_is_computed_until_one_is_wanted(tmp_path):
    engine, _ = opened(write_engine(tmp_path, twin=True))
    plans = {plan.num_io_tensors: plan for plan in engine._tensorrt.module.engines}
    assert set(plans) == {2, 3}
    before = len(plans[3].contexts)
    np.testing.assert_array_equal(engine.infer(crops_of(7)).logits[:, 0], np.arange(7))
    assert len(plans[3].contexts) == before
    assert engine.infer(crops_of(7), cams=True).cams is not None
    assert len(plans[3].contexts) == before + 1


def test_a_model_without_cams_says_so(tmp_path):
    contract = make_contract(cam_method=None, cam_scale=None)
    engine, _ = opened(write_engine(tmp_path, contract=contract, plan={"cams": False}))
    assert engine.infer(crops_of(2)).cams is None
    with pytest.raises(ContractError, match="has no CAM output"):
        engine.infer(crops_of(2), cams=True)


def test_it_closes_twice_and_is_a_context_manager(path):
    engine, cuda = opened(path)
    with engine:
        pass
    engine.close()
    assert cuda.closed == 2
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(crops_of(1))


def test_crops_of_another_size_are_refused(path):
    engine, _ = opened(path)
    with pytest.raises(ContractError, match="takes crops of 32 px, got 16"):
        engine.infer(crops_of(1, size=16))


def test_a_failing_gpu_is_one_line_with_its_reason(path):
    engine, _ = opened(path)
    engine._tensorrt.module.engines[0].fails = True
    with pytest.raises(
        EngineError, match=r"failed to run it on Orin .*CUDA error 700 illegal"
    ) as e:
        engine.infer(crops_of(7))
    assert "\n" not in str(e.value)


def test_any_provider_but_tensorrt_is_a_usage_error(path):
    with pytest.raises(UsageError, match="runs with TensorRT only, got --provider cuda"):
        opened(path, provider="cuda")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "10.8.0"}, r"was built for tensorrt 10\.8\.0, this machine has 10\.3\.0"),
        ({"gpu": "Tesla T4"}, r"was built for the GPU Tesla T4, this machine has Orin \(sm_87\)"),
        ({"compute_capabilities": ("8.6",)}, r"compute capability 8\.6, this machine has Orin"),
        ({"platform": "win32-AMD64"}, "was built for win32-AMD64, this machine has linux"),
    ],
)
def test_an_engine_from_elsewhere_is_refused_before_it_is_opened(tmp_path, changes, message):
    cuda = FakeCuda()
    tensorrt = fake_tensorrt(cuda)
    path = write_engine(tmp_path, batch=(1, 4, 8), **changes)
    with pytest.raises(BackendUnavailable, match=message) as error:
        opened(path, cuda=cuda, tensorrt=tensorrt)
    command = "rtau-export engine face.onnx --precision fp16 --batch 1,4,8"
    assert str(error.value).endswith(command)
    assert tensorrt.module.engines == []
    assert cuda.closed == 1


def test_a_portable_engine_runs_on_newer_gpus_and_not_on_older_ones(tmp_path):
    changes = {"library": "tensorrt_rtx", "gpu": None, "compute_capabilities": ()}
    path = write_engine(tmp_path, **changes)
    for generation, fits in (("7.5", False), ("8.0", True), ("12.0", True)):
        cuda = FakeCuda(Gpu("Some RTX", generation))
        tensorrt = fake_tensorrt(cuda, library="tensorrt_rtx")
        if fits:
            opened(path, cuda=cuda, tensorrt=tensorrt)
        else:
            with pytest.raises(BackendUnavailable, match=r"8\.0 or newer"):
                opened(path, cuda=cuda, tensorrt=tensorrt)


def test_a_damaged_engine_is_never_given_to_the_library(path):
    path.write_bytes(path.read_bytes()[:-1])
    cuda = FakeCuda()
    tensorrt = fake_tensorrt(cuda)
    with pytest.raises(ContractError, match="the file is damaged or not the one that was built"):
        opened(path, cuda=cuda, tensorrt=tensorrt)
    assert tensorrt.module.engines == []


def test_a_plan_the_library_refuses_is_one_line_and_frees_the_gpu(tmp_path):
    cuda = FakeCuda()
    with pytest.raises(BackendUnavailable, match=r"refuses the engine on Orin.*magic tag"):
        opened(write_engine(tmp_path, plan=b"not a plan"), cuda=cuda)
    assert cuda.closed == 1


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"labels": 5}, r"a row of logits must be \(3,\), got \(5,\)"),
        ({"dtype": "float16"}, "must be uint8 or float32, got float16"),
        ({"cams": False}, "must have the tensors crops, logits, cams, got crops, logits"),
        ({"max_rows": 4}, "refused 8 rows"),
    ],
)
def test_tensors_that_break_the_contract_are_refused(tmp_path, plan, message):
    with pytest.raises((ContractError, EngineError), match=message):
        opened(write_engine(tmp_path, plan=plan))


def test_a_twin_of_another_model_is_refused(tmp_path):
    path = write_engine(tmp_path, twin=True)
    twin = tmp_path / "face.bare.engine"
    payload = json.loads(sidecar_path(twin).read_text(encoding="utf-8"))
    payload["build"]["onnx_sha256"] = "1" * 64
    sidecar_path(twin).write_text(json.dumps(payload), encoding="utf-8")
    with pytest.raises(ContractError, match=r"face\.bare\.engine: onnx_sha256 must be 000"):
        opened(path)


@pytest.mark.parametrize("missing", ["tensorrt", "cuda_driver"])
def test_without_the_libraries_the_error_names_the_way_to_get_them(path, monkeypatch, missing):
    name = {"tensorrt": "tensorrt", "cuda_driver": "cuda.bindings"}[missing]
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "rtau.backends._cuda_driver", raising=False)
    tensorrt = None if missing == "tensorrt" else fake_tensorrt(FakeCuda())
    words = "nvidia-jetpack" if missing == "tensorrt" else "cuda-bindings"
    with pytest.raises(BackendUnavailable, match=words) as error:
        TensorRTEngine(path, tensorrt=tensorrt)
    assert "\n" not in str(error.value)


def test_open_engine_takes_engine_files(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable, match="'tensorrt' is not installed"):
        open_engine(str(path))


def test_the_contract_is_that_of_the_json(path):
    contract, build = read_sidecar(path)
    engine, _ = opened(path)
    assert engine.contract == contract
    assert dataclasses.asdict(build)["batch"] == (1, 8, 8)
