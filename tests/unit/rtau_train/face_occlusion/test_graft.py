"""The occlusion output is added to a file whose other outputs stay the same to the byte."""

import dataclasses
import hashlib

import numpy as np
import onnx
import pytest
import torch

from rtau.errors import ContractError, EngineError
from rtau.faces.alignment_contract import (
    METADATA_KEY,
    OCCLUSION,
    AlignmentContract,
    OcclusionOutput,
)
from rtau_train.face_alignment.exported import OnnxAlignment
from rtau_train.face_occlusion import fit, graft
from rtau_train.face_occlusion.backbone import AlignmentBackbone
from rtau_train.face_occlusion.branch import OcclusionBranch
from tests.unit.rtau_train.face_occlusion.conftest import MODEL

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

# Of the weights of face-align.onnx as they were before it had the output, in the file's order.
WEIGHTS_SHA256 = "bbce331e6135b5a0c1939fef6a719f98c8503bf5de8564a7e9e28c32ff1cac05"
OUTPUT = OcclusionOutput(
    limit=0.7,
    origin="a test",
    weights_sha256="0" * 64,
    recipe="train/recipes/face-occlusion.toml",
    git_commit="0" * 40,
    training_data="nothing",
    max_dlogit=0.0,
)


@pytest.fixture(scope="module")
def contract(bare):
    (entry,) = [one for one in bare.metadata_props if one.key == METADATA_KEY]
    whole = AlignmentContract.from_json(entry.value, origin="the file")
    return dataclasses.replace(whole, occlusion=OUTPUT)


@pytest.fixture(scope="module")
def branch(bare):
    torch.manual_seed(1)
    made = OcclusionBranch(AlignmentBackbone(bare).channels, (8, 8, 8, 4))
    for layer in (made.reduce, made.mix, made.last):
        layer[1].running_mean.uniform_(-0.5, 0.5)
        layer[1].running_var.uniform_(0.5, 2)
    made.calibrate(scale=1.7, shift=-0.4)
    return made.eval()


def crops(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 64, 64)).astype(np.uint8)


def test_the_shipped_file_is_the_file_without_the_output_and_the_output(bare):
    shipped = OnnxAlignment(MODEL)
    assert shipped.contract.occlusion is not None
    before = OnnxAlignment(bare.SerializeToString())
    for count in (0, 1, 7, 32):
        for one, other in zip(before(crops(count)), shipped(crops(count)), strict=True):
            assert one.tobytes() == other.tobytes()


def test_the_weights_of_the_network_are_those_of_the_file_before_the_output(bare):
    digest = hashlib.sha256()
    for one in bare.graph.initializer:
        digest.update(one.name.encode())
        digest.update(one.raw_data)
    assert digest.hexdigest() == WEIGHTS_SHA256


@pytest.mark.parametrize("count", [0, 1, 7, 32])
def test_the_output_is_what_torch_says(bare, branch, contract, count):
    file = OnnxAlignment(graft.grafted(bare, branch, contract))
    wanted = fit.logits_of(branch, AlignmentBackbone(bare)(crops(max(count, 1)))).numpy()[:count]
    assert file.occlusion(crops(max(count, 1)))[:count] == pytest.approx(wanted, abs=1e-3)
    assert file.occlusion(crops(0)).shape == (0,)
    assert file.contract.occlusion.limit == OUTPUT.limit
    assert 0 <= file.contract.occlusion.max_dlogit < 1e-3


def test_a_file_that_has_the_output_gets_another_in_its_place(bare, branch, contract):
    first = onnx.load_from_string(graft.grafted(bare, branch, contract))
    assert [one.name for one in first.graph.output][-1] == OCCLUSION
    again = graft.without_branch(first)
    assert [one.name for one in again.graph.output] == [one.name for one in bare.graph.output]
    assert again.graph == bare.graph


def test_a_branch_of_another_file_is_refused(bare, branch, contract):
    other = onnx.ModelProto()
    other.CopyFrom(bare)
    del other.graph.node[10:]
    with pytest.raises(ContractError, match="has 6 convolutions, the file has 0"):
        graft.grafted(other, branch, contract)


def test_an_output_that_is_not_torchs_is_refused(bare, branch, contract, monkeypatch):
    monkeypatch.setattr(graft, "logits_of", lambda *_: torch.full((32,), 99.0)[:1])
    with pytest.raises(EngineError, match="must agree with torch"):
        graft.grafted(bare, branch, contract)
