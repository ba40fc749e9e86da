"""Small ONNX models that answer by plain arithmetic, for tests of what runs them.

Needs the onnx package: import it after `pytest.importorskip("onnx")`.
"""

from __future__ import annotations

import numpy as np
import onnx

from rtau.contract import METADATA_KEY
from tests.support.doubles import make_contract

SIZE, LABELS = 32, 3


def build_model(*, contract=None, cams=True, logits=LABELS, with_contract=True, nan=False):
    """mean over pixels -> (N, labels) logits; CAMs = the logits on a 7x7 grid.

    Landmarks, where the contract has them, are (k, k + mean red) for the k-th.
    """
    contract = contract or make_contract()
    helper, proto = onnx.helper, onnx.TensorProto
    weights = np.array([[1, 2, 3][:logits]] * 3, np.float32) * (np.nan if nan else 1)
    consts = {
        "axes": np.array([1, 2], np.int64),
        "w": weights,
        "grid_axes": np.array([2, 3], np.int64),
        "ones": np.ones((1, 1, 7, 7), np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["crops"], ["f"], to=proto.FLOAT),
        helper.make_node("ReduceMean", ["f", "axes"], ["m"], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["logits"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", proto.FLOAT, ["N", logits])]
    if cams:
        nodes += [
            helper.make_node("Unsqueeze", ["logits", "grid_axes"], ["g"]),
            helper.make_node("Mul", ["g", "ones"], ["cams"]),
        ]
        outputs.append(helper.make_tensor_value_info("cams", proto.FLOAT, ["N", logits, 7, 7]))
    if contract.has_landmarks:
        consts["red"] = np.array([[0, 1] * 68, [0] * 136, [0] * 136], np.float32)
        consts["places"] = np.repeat(np.arange(68), 2).astype(np.float32)
        consts["pairs"] = np.array([-1, 68, 2], np.int64)
        nodes += [
            helper.make_node("MatMul", ["m", "red"], ["p"]),
            helper.make_node("Add", ["p", "places"], ["q"]),
            helper.make_node("Reshape", ["q", "pairs"], ["landmarks"]),
        ]
        outputs.append(helper.make_tensor_value_info("landmarks", proto.FLOAT, ["N", 68, 2]))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("crops", proto.UINT8, ["N", SIZE, SIZE, 3])],
        outputs,
        [onnx.numpy_helper.from_array(value, name) for name, value in consts.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if with_contract:
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    return model.SerializeToString()
