"""Adds a fitted branch to an alignment file as a further output; what was there stays as it is.

No node, weight or name of the file is changed, so that presence and points come out the same to the
byte. A branch that is there already is taken out first. Called by `command.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from rtau.errors import EngineError
from rtau.faces.alignment_contract import (
    METADATA_KEY,
    OCCLUSION,
    POINTS,
    PRESENCE,
    AlignmentContract,
)
from rtau_train.face_alignment.exported import OnnxAlignment, probes
from rtau_train.face_occlusion.backbone import COARSE, FINE, AlignmentBackbone, map_after
from rtau_train.face_occlusion.branch import OcclusionBranch, folded
from rtau_train.face_occlusion.fit import logits_of

_PREFIX: Final = "occlusion."
# Difference from torch that is rounding, as a logit.
_MOST_DLOGIT: Final = 1e-3
_BATCHES: Final = (1, 2, 7, 32)


def without_branch(model: onnx.ModelProto, /) -> onnx.ModelProto:
    """Returns a file without the branch that this module adds."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    graph = bare.graph
    for field in (graph.node, graph.initializer):
        kept = [one for one in field if not one.name.startswith(_PREFIX)]
        del field[:]
        field.extend(kept)
    outputs = [one for one in graph.output if one.name in (PRESENCE, POINTS)]
    del graph.output[:]
    graph.output.extend(outputs)
    return bare


def grafted(
    model: onnx.ModelProto, branch: OcclusionBranch, contract: AlignmentContract, /
) -> bytes:
    """Returns the file with the branch as its output `occlusion_logit`, and with this contract.

    Args:
        model: an alignment file without a branch.
        branch: fitted and calibrated, in evaluation mode.
        contract: of the file; how far the output is from torch is added.

    Raises:
        EngineError: the file answers otherwise than torch, or its other outputs have changed.
    """
    done = onnx.ModelProto()
    done.CopyFrom(model)
    _add_branch(done, branch)
    assert contract.occlusion is not None, "a file with a branch says what it means"
    unmeasured = done.SerializeToString()
    occlusion = dataclasses.replace(
        contract.occlusion, max_dlogit=_checked(model, branch, unmeasured)
    )
    entry = next(one for one in done.metadata_props if one.key == METADATA_KEY)
    entry.value = dataclasses.replace(contract, occlusion=occlusion).to_json()
    return bytes(done.SerializeToString())


def weights_sha256(branch: OcclusionBranch, /) -> str:
    """Returns the SHA-256 of the branch's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(branch.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _add_branch(model: onnx.ModelProto, branch: OcclusionBranch) -> None:
    graph = model.graph
    fine, coarse = (map_after(model, number) for number in (FINE, COARSE))
    reduced = _convolve(graph, "reduce", folded(branch.reduce), takes=fine, stride=2)
    both = _PREFIX + "both"
    graph.node.append(
        helper.make_node("Concat", [reduced, coarse], [both], name=_PREFIX + "concat", axis=1)
    )
    mixed = _convolve(graph, "mix", folded(branch.mix), takes=both, stride=1)
    last = _convolve(graph, "last", folded(branch.last), takes=mixed, stride=1)
    cells = _PREFIX + "cells"
    inputs = [last, *_both_held(graph, "cells", (branch.cells.weight, _bias(branch.cells)))]
    graph.node.append(helper.make_node("Conv", inputs, [cells], name=cells))
    shares = _PREFIX + "shares"
    graph.node.append(helper.make_node("Sigmoid", [cells], [shares], name=shares))
    flat = _PREFIX + "flat"
    # 0 keeps the number of crops. -1 would stand for the rest, which 0 crops do not have.
    shape = _held(graph, "shape", np.array([0, branch.hidden.in_features], np.int64))
    graph.node.append(
        helper.make_node("Reshape", [shares, shape], [flat], name=_PREFIX + "reshape")
    )
    units = _multiply(graph, "hidden", (branch.hidden.weight, branch.hidden.bias), takes=flat)
    seen = _PREFIX + "units"
    graph.node.append(helper.make_node("Relu", [units], [seen], name=_PREFIX + "relu"))
    scale, shift = branch.calibration
    calibrated = (branch.output.weight * scale, branch.output.bias * scale + shift)
    column = _multiply(graph, "output", calibrated, takes=seen)
    axis = _held(graph, "axis", np.array([1], np.int64))
    graph.node.append(
        helper.make_node("Squeeze", [column, axis], [OCCLUSION], name=_PREFIX + "squeeze")
    )
    rows = graph.output[0].type.tensor_type.shape.dim[0].dim_param
    graph.output.append(helper.make_tensor_value_info(OCCLUSION, TensorProto.FLOAT, [rows]))


def _convolve(
    graph: onnx.GraphProto, name: str, weights: tuple[Tensor, Tensor], *, takes: str, stride: int
) -> str:
    pad = weights[0].shape[-1] // 2
    inputs = [takes, *_both_held(graph, name, weights)]
    gives, seen = f"{_PREFIX}{name}", f"{_PREFIX}{name}.relu"
    graph.node.append(
        helper.make_node("Conv", inputs, [gives], name=gives, strides=[stride] * 2, pads=[pad] * 4)
    )
    graph.node.append(helper.make_node("Relu", [gives], [seen], name=seen))
    return seen


def _multiply(
    graph: onnx.GraphProto, name: str, weights: tuple[Tensor, Tensor], *, takes: str
) -> str:
    gives = f"{_PREFIX}{name}"
    inputs = [takes, *_both_held(graph, name, weights)]
    graph.node.append(helper.make_node("Gemm", inputs, [gives], name=gives, transB=1))
    return gives


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None, "the layer of the cells has an offset"
    return layer.bias


def _both_held(
    graph: onnx.GraphProto, name: str, weights: tuple[Tensor, Tensor]
) -> tuple[str, str]:
    weight, bias = weights
    return (
        _held(graph, f"{name}.weight", weight.detach().contiguous().numpy()),
        _held(graph, f"{name}.bias", bias.detach().contiguous().numpy()),
    )


def _held(graph: onnx.GraphProto, name: str, values: np.ndarray) -> str:
    graph.initializer.append(numpy_helper.from_array(values, _PREFIX + name))
    return _PREFIX + name


def _checked(bare: onnx.ModelProto, branch: OcclusionBranch, model: bytes) -> float:
    """Returns how far the new output is from torch, as a logit.

    Raises:
        EngineError: further than rounding goes, or another output is not what it was.
    """
    before, after = OnnxAlignment(bare.SerializeToString()), OnnxAlignment(model)
    backbone, furthest = AlignmentBackbone(bare), 0.0
    for count in _BATCHES:
        crops = probes(count)
        for name, one, other in zip((PRESENCE, POINTS), before(crops), after(crops), strict=True):
            if one.tobytes() != other.tobytes():
                raise EngineError(
                    f"{name} must not change when the branch is added, it differs on {count} crops"
                )
        wanted = logits_of(branch, backbone(crops)).numpy()
        furthest = max(furthest, float(np.abs(after.occlusion(crops) - wanted).max()))
    if furthest > _MOST_DLOGIT:
        raise EngineError(
            f"{OCCLUSION} must agree with torch to {_MOST_DLOGIT}, got {furthest:.2g}; was the "
            "branch fitted to the maps of this file?"
        )
    return furthest
