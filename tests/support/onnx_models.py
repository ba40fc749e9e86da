"""Small networks of rtau's shape, written node by node: for backends and builders, without torch.

uint8 crops in, normalisation in the graph, a convolution, pooling, two linear layers, and Grad-CAM
of every label beside the logits; in float32, float16 or INT8 (symmetric, per channel, as TensorRT
wants it).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtau.contract import METADATA_KEY
from tests.support.doubles import make_contract

SIDE, CHANNELS, HIDDEN, LABELS = 32, 8, 16, 3
GRID = SIDE // 4


class Writer:
    """Nodes and weights of a graph in the making."""

    def __init__(self, *, half: bool, seed: int = 3):
        self.nodes, self.weights = [], []
        self.float = np.float16 if half else np.float32
        self.random = np.random.default_rng(seed)

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"/{output}", **attributes))
        return output

    def constant(self, name, value, dtype=None):
        array = np.asarray(value, dtype or self.float)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def random_weights(self, name, *shape):
        return self.constant(name, self.random.normal(0, 0.3, shape))

    def quantised(self, tensor, name, *, scales, axis=None):
        """Adds Q and DQ to a tensor: what marks a layer as INT8."""
        where = {} if axis is None else {"axis": axis}
        scale = self.constant(f"{name}_scale", scales, np.float32)
        zero = self.constant(f"{name}_zero", np.zeros_like(scales, np.int8), np.int8)
        self.node("QuantizeLinear", [tensor, scale, zero], f"{name}_q", **where)
        return self.node("DequantizeLinear", [f"{name}_q", scale, zero], f"{name}_dq", **where)


def small_model(
    precision="fp32", *, bad_node=None, with_contract=True, int8_profile=None, landmarks=None
) -> bytes:
    """Returns a serialised model; `bad_node` puts that operator where a parser will not know it.

    `landmarks` is the rule of a landmark output, which the model then has.
    """
    writer = Writer(half=precision == "fp16")
    features = _features(writer, int8=precision == "int8", bad_node=bad_node)
    _heads(writer, features)
    kinds = {"crops": TensorProto.UINT8, "logits": TensorProto.FLOAT, "cams": TensorProto.FLOAT}
    shapes = {
        "crops": ["N", SIDE, SIDE, 3],
        "logits": ["N", LABELS],
        "cams": ["N", LABELS, GRID, GRID],
    }
    if landmarks is not None:
        _points(writer)
        kinds["landmarks"], shapes["landmarks"] = TensorProto.FLOAT, ["N", 68, 2]
    values = [helper.make_tensor_value_info(name, kinds[name], shapes[name]) for name in kinds]
    graph = helper.make_graph(writer.nodes, "small", values[:1], values[1:], writer.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if with_contract:
        contract = make_contract(
            name="small",
            input_size=SIDE,
            precision=precision,
            opset=18,
            int8_profile=int8_profile,
            landmarks=landmarks,
        )
        helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    if bad_node is None:
        onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _features(writer, *, int8, bad_node):
    """Returns the name of the (N, CHANNELS, GRID, GRID) maps CAMs are made of."""
    to = TensorProto.FLOAT16 if writer.float == np.float16 else TensorProto.FLOAT
    writer.node("Cast", ["crops"], "pixels", to=to)
    writer.node("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
    mean, std = writer.constant("mean", 127.5), writer.constant("std", 64.0)
    writer.node("Sub", ["planes", mean], "centred")
    writer.node(bad_node or "Div", ["centred", std], "normal")
    normal, weights = "normal", writer.random_weights("conv_w", CHANNELS, 3, 3, 3)
    if int8:
        normal = writer.quantised("normal", "normal", scales=np.float32(2 / 127))
        per_channel = np.full(CHANNELS, 1.5 / 127, np.float32)
        weights = writer.quantised(weights, "conv_w", scales=per_channel, axis=0)
    bias = writer.random_weights("conv_b", CHANNELS)
    writer.node("Conv", [normal, weights, bias], "conv", pads=[1] * 4, strides=[2, 2])
    writer.node("Relu", ["conv"], "relu")
    return writer.node("MaxPool", ["relu"], "maps", kernel_shape=[2, 2], strides=[2, 2])


def _heads(writer, maps):
    """Adds the hidden layer, the logits and the CAMs of every label."""
    w1 = writer.random_weights("w1", CHANNELS, HIDDEN)
    w2 = writer.random_weights("w2", HIDDEN, LABELS)
    axes = writer.constant("axes", [2, 3], np.int64)
    writer.node("ReduceMean", [maps, axes], "pooled", keepdims=0)
    writer.node("MatMul", ["pooled", w1], "hidden")
    writer.node("Relu", ["hidden"], "active")
    writer.node("MatMul", ["active", w2], "scores")
    writer.node("Cast", ["scores"], "logits", to=TensorProto.FLOAT)
    # Grad-CAM: weights of map c for label k are (W2[k] * [hidden > 0]) W1 over the grid's size.
    writer.node("Sign", ["active"], "mask")
    row = writer.constant("row", [1], np.int64)
    writer.node("Unsqueeze", ["mask", row], "masks")
    back = writer.constant("w2_t", _array(writer, "w2").T)
    writer.node("Mul", ["masks", back], "chosen")
    forth = writer.constant("w1_t", _array(writer, "w1").T / GRID**2)
    writer.node("MatMul", ["chosen", forth], "importance")
    flat = writer.constant("flat", [0, CHANNELS, GRID * GRID], np.int64)
    writer.node("Reshape", [maps, flat], "rows")
    writer.node("MatMul", ["importance", "rows"], "weighted")
    writer.node("Relu", ["weighted"], "heat")
    grid = writer.constant("grid", [0, LABELS, GRID, GRID], np.int64)
    writer.node("Reshape", ["heat", grid], "warm")
    writer.node("Cast", ["warm"], "cams", to=TensorProto.FLOAT)


def _points(writer):
    """Adds 68 landmarks, a linear layer on the pooled values."""
    writer.node("MatMul", ["pooled", writer.random_weights("w_points", CHANNELS, 136)], "places")
    writer.node("Reshape", ["places", writer.constant("pairs", [0, 68, 2], np.int64)], "points")
    writer.node("Cast", ["points"], "landmarks", to=TensorProto.FLOAT)


def _array(writer, name):
    return numpy_helper.to_array(next(one for one in writer.weights if one.name == name))
