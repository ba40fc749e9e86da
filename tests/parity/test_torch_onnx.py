"""torch -> ONNX file -> ONNX Runtime: the same numbers, for any batch, with the contract inside."""

import dataclasses
from contextlib import closing

import numpy as np
import onnx
import pytest
import torch

from rtau.backends import open_engine
from rtau.backends.parity import difference, probe_crops
from rtau.contract import METADATA_KEY, ModelContract, read_sidecar
from rtau.errors import ContractError
from rtau.facs import DISFA_PLUS_AUS
from rtau_export import onnx as exporter
from rtau_export import verify
from rtau_export.graph import FaceGraph
from rtau_export.onnx import FORBIDDEN_OPERATORS, torch_scores
from tests.support.training import ROOT

SHIPPED = ROOT / "engines" / "shufflenetv2-au14.onnx"


@pytest.fixture(scope="session")
def engine(exported):
    with closing(open_engine(str(exported), provider="cpu")) as engine:
        yield engine


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
def test_onnx_runtime_gives_what_torch_gives(model, engine, batch):
    graph = FaceGraph(model.network(), cam_method="gradcam", landmarks=True)
    images = probe_crops(batch, size=112)

    wanted = torch_scores(graph, images, contract=engine.contract)
    got = verify.infer(engine, images)

    assert got.cams.shape == (batch, 12, 7, 7)
    found = difference(wanted, got, engine.contract)
    assert verify.FP32.covers(found), found
    np.testing.assert_allclose(got.cams, wanted.cams, atol=1e-3 * wanted.cams.max())
    np.testing.assert_allclose(got.landmarks_xy, wanted.landmarks_xy, atol=0.01)


def test_a_batch_equals_its_rows_one_by_one(engine):
    images = probe_crops(7, size=112)

    together = verify.infer(engine, images)
    alone = [verify.infer(engine, images[k : k + 1]) for k in range(7)]

    logits = np.concatenate([scores.logits for scores in alone])
    cams = np.concatenate([scores.cams for scores in alone])
    np.testing.assert_allclose(together.logits, logits, atol=1e-4)
    np.testing.assert_allclose(together.cams, cams, atol=1e-3 * cams.max())


def test_the_contract_in_the_file_is_the_one_beside_it(model, exported, crop_rule):
    proto = onnx.load(exported)
    inside = {entry.key: entry.value for entry in proto.metadata_props}

    contract = ModelContract.from_json(inside[METADATA_KEY], origin="metadata")

    assert contract == read_sidecar(exported)
    assert contract.name == "random-au12"
    assert contract.crop == crop_rule
    assert contract.weights_sha256 == model.weights_sha256()
    assert contract.opset == next(entry.version for entry in proto.opset_import)


@pytest.mark.parametrize("which", ["exported", "shipped"])
def test_the_graph_is_one_that_devices_parse(which, request):
    path = SHIPPED if which == "shipped" else request.getfixturevalue("exported")
    proto = onnx.load(path)

    onnx.checker.check_model(proto, full_check=True)
    assert [node.op_type for node in proto.graph.node[:2]] == ["Cast", "Transpose"]
    assert proto.graph.node[0].input[0] == "crops"
    assert {entry.domain for entry in proto.opset_import} == {""}
    assert max(entry.version for entry in proto.opset_import) <= 20  # TensorRT 10.3
    assert not {node.op_type for node in proto.graph.node} & FORBIDDEN_OPERATORS
    batch = proto.graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param, "the batch must be free"


def test_the_contract_says_how_near_torch_the_file_is(exported):
    parity = read_sidecar(exported).parity

    assert parity.reference == f"torch {torch.__version__.partition('+')[0]} in float32"
    assert parity.reference_sha256 == read_sidecar(exported).weights_sha256
    assert parity.runner.startswith("onnxruntime ")
    assert (parity.images, parity.decisions) == (42, 42 * 12)
    assert 0 < parity.max_dlogit <= verify.FP32.max_dlogit
    assert 0 < parity.mean_dp < parity.max_dp <= verify.FP32.max_dp
    assert parity.changed_decisions == 0
    assert parity.cam_correlation >= verify.FP32.cam_correlation
    assert parity.max_dlandmark <= verify.FP32.max_dlandmark


def test_the_file_tells_nothing_of_the_machine_that_wrote_it(exported):
    content = exported.read_bytes()

    assert str(ROOT).encode() not in content
    assert b"site-packages" not in content


def test_a_file_that_is_not_equal_is_not_written(model, exported, tmp_path, monkeypatch):
    wrong = onnx.load(exported)
    monkeypatch.setattr(exporter, "plain_graph", lambda *_, **__: wrong)
    weights = {name: value.clone() for name, value in model.weights.items()}
    weights["head.out.bias"] += 0.05
    other = dataclasses.replace(model, weights=weights)

    with pytest.raises(ContractError, match="ONNX Runtime must equal torch"):
        exporter.export(
            other, tmp_path / "a.onnx", cam_method="gradcam", crop=model.recipe.shipping.haar_crop
        )
    assert list(tmp_path.iterdir()) == []


def test_no_draft_is_left_beside_the_export(exported):
    names = {path.name for path in exported.parent.iterdir()}

    assert names == {"model.pt", "run.json", "random-au12.onnx", "random-au12.json"}


def test_the_shipped_file_gives_what_torch_gives_with_its_weights(trained):
    graph = FaceGraph(trained.network(), cam_method=read_sidecar(SHIPPED).cam_method)

    found = exporter.measured_parity(graph, SHIPPED)  # raises beyond the tolerance of fp32
    said = read_sidecar(SHIPPED).parity

    assert (found.changed_decisions, found.decisions) == (said.changed_decisions, said.decisions)
    assert said.max_dlogit <= verify.FP32.max_dlogit
    assert said.reference_sha256 == read_sidecar(SHIPPED).weights_sha256


@pytest.mark.parametrize("batch", [1, 2, 7, 32])
def test_the_shipped_model_runs_any_batch(batch):
    with closing(open_engine(str(SHIPPED), provider="cpu")) as engine:
        contract = engine.contract
        scores = verify.infer(engine, probe_crops(batch, size=contract.input_size))

    assert contract.labels[:12] == tuple(au.label for au in DISFA_PLUS_AUS)
    assert contract == read_sidecar(SHIPPED)
    assert scores.logits.shape == (batch, len(contract.labels))
    assert min(scores.cams.shape[2:]) >= 7
    assert scores.cams.min() >= 0
