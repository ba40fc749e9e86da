"""A small residual network of rtau's shape, for the tests of reduced precisions."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from rtau.contract import METADATA_KEY
from rtau_export._backbone import backbone_places
from tests.support.doubles import LANDMARK_RULE, make_contract

SIDE, CHANNELS, HIDDEN, LABELS = 32, 8, 16, 3
GRID = SIDE // 4


class Writer:
    """Nodes and weights of a graph in the making."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(3)

    def node(self, kind, inputs, output, **attributes):
        made = helper.make_node(kind, inputs, [output], name=f"make_{output}", **attributes)
        self.nodes.append(made)
        return output

    def constant(self, name, value, dtype=np.float32):
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def drawn(self, name, *shape):
        return self.constant(name, self.random.normal(0, np.prod(shape[1:]) ** -0.5, shape))

    def conv(self, source, name, *, channels=CHANNELS, stride=1):
        weights = self.drawn(f"{name}_w", CHANNELS, channels, 3, 3)
        bias = self.constant(f"{name}_b", self.random.normal(0, 0.2, CHANNELS))
        where = {"pads": [1] * 4, "strides": [stride, stride]}
        return self.node("Conv", [source, weights, bias], name, **where)


def residual_model(*, gate=False, **contract):
    """Returns the bytes of a model with one residual sum and, if asked for, one channel gate."""
    writer = Writer()
    writer.node("Cast", ["crops"], "pixels", to=TensorProto.FLOAT)
    writer.node("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
    writer.node("Sub", ["planes", writer.constant("mean", 127.5)], "centred")
    writer.node("Div", ["centred", writer.constant("std", 64.0)], "normal")
    writer.conv("normal", "conv1", channels=3, stride=2)
    writer.node("Relu", ["conv1"], "relu1")
    branch = writer.conv("relu1", "conv2")
    if gate:
        writer.node("ReduceMean", ["relu1", writer.constant("hw", [2, 3], np.int64)], "squeezed")
        branch = writer.node("Mul", ["conv2", writer.node("Sigmoid", ["squeezed"], "gate")], "held")
    writer.node("Add", ["relu1", branch], "sum")
    writer.node("Relu", ["sum"], "relu2")
    writer.conv("relu2", "conv3", stride=2)
    writer.node("Relu", ["conv3"], "maps")
    _heads(writer)
    return _serialised(writer, contract)


def _heads(writer):
    hidden, out = writer.drawn("hidden", HIDDEN, CHANNELS), writer.drawn("out", LABELS, HIDDEN)
    axes = writer.constant("axes", [2, 3], np.int64)
    writer.node("ReduceMean", ["maps", axes], "pooled", keepdims=0)
    writer.node("Gemm", ["pooled", hidden], "before", transB=1)
    writer.node("Relu", ["before"], "after")
    writer.node("Gemm", ["after", out], "logits", transB=1)
    writer.node("Greater", ["before", writer.constant("zero", 0.0)], "open")
    writer.node("Cast", ["open"], "mask", to=TensorProto.FLOAT)
    writer.node("Unsqueeze", ["mask", writer.constant("row", [1], np.int64)], "rows")
    writer.node("Mul", ["rows", out], "paths")
    writer.node("MatMul", ["paths", hidden], "importance")
    flat = writer.constant("flat", [0, CHANNELS, GRID * GRID], np.int64)
    writer.node("Reshape", ["maps", flat], "flat_maps")
    writer.node("MatMul", ["importance", "flat_maps"], "heat")
    writer.node("Relu", ["heat"], "warm")
    grid = writer.constant("grid", [0, LABELS, GRID, GRID], np.int64)
    writer.node("Reshape", ["warm", grid], "cams")
    points = writer.node("Gemm", ["pooled", writer.drawn("points", 136, CHANNELS)], "flat_points",
                         transB=1)  # fmt: skip
    writer.node("Reshape", [points, writer.constant("pairs", [0, 68, 2], np.int64)], "landmarks")


def _serialised(writer, contract):
    shapes = {
        "crops": ["N", SIDE, SIDE, 3],
        "logits": ["N", LABELS],
        "cams": ["N", LABELS, GRID, GRID],
        "landmarks": ["N", 68, 2],
    }
    kinds = [TensorProto.UINT8, *[TensorProto.FLOAT] * 3]
    ends = [
        helper.make_tensor_value_info(name, kind, shapes[name])
        for name, kind in zip(shapes, kinds, strict=True)
    ]
    graph = helper.make_graph(writer.nodes, "residual", ends[:1], ends[1:], writer.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    said = make_contract(
        name="residual", input_size=SIDE, opset=18, landmarks=LANDMARK_RULE, **contract
    )
    helper.set_model_props(model, {METADATA_KEY: said.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def kinds_outside(model):
    """Returns the operators outside the backbone, in order."""
    inside = backbone_places(model.graph)
    return [node.op_type for place, node in enumerate(model.graph.node) if place not in inside]


def evaluate(model, crops):
    """Returns the outputs of a model for crops, by name."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"crops": crops}), strict=True))
