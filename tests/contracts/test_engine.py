"""What every engine promises (rtau.protocols.Engine): a new one is tested once it is listed."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtau.backends import bundled_models, open_engine
from rtau.backends.scripted import ScriptedEngine
from rtau.backends.shared import SharedEngine
from rtau.backends.tensorrt import TensorRTEngine
from rtau.data import Crops, Scores
from rtau.errors import ContractError
from rtau.protocols import Engine
from tests.support.doubles import brightness_logits, flat_cams, make_contract
from tests.support.tensorrt_double import FakeCuda, fake_tensorrt, write_engine


@dataclasses.dataclass(frozen=True)
class Case:
    """One engine and how near its answers to equal rows in other batches must be."""

    build: Callable[[], Engine]
    tolerance: float = 0.0


def _scripted() -> Engine:
    return ScriptedEngine(make_contract(), brightness_logits, cams_of=flat_cams)


def _shared() -> Engine:
    """SharedEngine around a scripted one."""
    return SharedEngine(_scripted())


def _onnx() -> Engine:
    """OnnxEngine on the default model."""
    return open_engine(next(iter(bundled_models())), provider="cpu")


def _openvino() -> Engine:
    """OpenVINOEngine on the default model."""
    return open_engine(next(iter(bundled_models())), provider="openvino")


def _tensorrt() -> Engine:
    """TensorRTEngine with its twin, on doubles of TensorRT and the GPU."""
    cuda = FakeCuda()
    with tempfile.TemporaryDirectory() as folder:
        path = write_engine(Path(folder), twin=True)
        return TensorRTEngine(path, tensorrt=fake_tensorrt(cuda), cuda=cuda)


ENGINES = {
    "ScriptedEngine": Case(_scripted),
    "SharedEngine": Case(_shared),
    # Kernels differ by batch size: the last bits of a float32 logit.
    "OnnxEngine": Case(_onnx, tolerance=1e-4),
    "OpenVINOEngine": Case(_openvino, tolerance=1e-4),
    "TensorRTEngine": Case(_tensorrt),
}
NEEDS = {
    "OnnxEngine": pytest.mark.needs_onnxruntime,
    "OpenVINOEngine": pytest.mark.needs_openvino,
}


@pytest.fixture(
    params=[pytest.param(name, marks=NEEDS.get(name, ())) for name in ENGINES],
    scope="module",
)
def case(request):
    return ENGINES[request.param]


@pytest.fixture(scope="module")
def engine(case):
    engine = case.build()
    yield engine
    engine.close()


def crops_for(engine, count, *, seed=0):
    size = engine.contract.input_size
    rng = np.random.default_rng(seed)
    return Crops(
        images_rgb=rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8),
        frame_from_crop=np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1)),
        face_rows=np.arange(count, dtype=np.int64),
    )


def test_has_the_shape_of_an_engine(engine):
    assert isinstance(engine, Engine)
    assert engine.device
    assert engine.contract.labels


@pytest.mark.parametrize("count", [0, 1, 2, 7, 32, 70])
@pytest.mark.parametrize("cams", [False, True])
def test_any_number_of_rows_gives_as_many_scores(engine, count, cams):
    scores = engine.infer(crops_for(engine, count), cams=cams)

    assert isinstance(scores, Scores)
    assert scores.labels == engine.contract.labels
    assert scores.task == engine.contract.task
    assert scores.logits.shape == (count, len(engine.contract.labels))
    assert (scores.cams is not None) == cams
    if cams:
        assert scores.cams.shape[:2] == scores.logits.shape


def test_a_row_is_judged_alike_in_any_company(engine, case):
    crops = crops_for(engine, 5)
    together = engine.infer(crops).logits
    alone = [
        engine.infer(
            Crops(
                images_rgb=crops.images_rgb[k : k + 1],
                frame_from_crop=crops.frame_from_crop[k : k + 1],
                face_rows=crops.face_rows[k : k + 1],
            )
        ).logits[0]
        for k in range(5)
    ]

    np.testing.assert_allclose(together, alone, rtol=case.tolerance, atol=case.tolerance)


def test_cams_do_not_change_the_logits(engine, case):
    crops = crops_for(engine, 3)

    np.testing.assert_allclose(
        engine.infer(crops, cams=True).logits,
        engine.infer(crops).logits,
        rtol=case.tolerance,
        atol=case.tolerance,
    )


def test_cams_are_not_negative_and_at_least_7x7(engine):
    cams = engine.infer(crops_for(engine, 2), cams=True).cams

    assert (cams >= 0).all()
    assert min(cams.shape[2:]) >= 7


def test_returned_arrays_belong_to_the_caller(engine):
    first = engine.infer(crops_for(engine, 2, seed=1), cams=True)
    logits, cams = first.logits.copy(), first.cams.copy()
    engine.infer(crops_for(engine, 2, seed=2), cams=True)

    np.testing.assert_array_equal(first.logits, logits)
    np.testing.assert_array_equal(first.cams, cams)


def test_cams_of_a_model_without_them_are_a_contract_error():
    contract = make_contract(cam_method=None, cam_scale=None)
    engine = ScriptedEngine(contract, brightness_logits)

    with pytest.raises(ContractError, match="no CAM output"):
        engine.infer(crops_for(engine, 1), cams=True)


def test_closes_twice(case):
    engine = case.build()
    engine.close()
    engine.close()
