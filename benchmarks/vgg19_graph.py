"""A VGG19 of rtau's shape with random weights, written node by node: for timings without torch.

Its arithmetic is that of the real one, so its speed is too; its outputs mean nothing, and neither
does what INT8 changes in them. Called by bench_precision.py.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtau.contract import METADATA_KEY, CropRule, ModelContract
from rtau.facs import DISFA_PLUS_AUS

SIDE, HIDDEN = 224, 512
# Channels of the convolutions; 0 is a pooling (Simonyan and Zisserman 2015, table 1, column E).
LAYERS = (64, 64, 0, 128, 128, 0, *(256,) * 4, 0, *(512,) * 4, 0, *(512,) * 4, 0)
GRID = SIDE // 16


def vgg19_bytes(*, seed: int = 19) -> bytes:
    """Returns the serialised model with its contract; CAMs are of the last convolution."""
    writer = _Writer(np.random.default_rng(seed))
    maps, pooled = writer.body()
    writer.head(maps, pooled)
    labels = tuple(au.label for au in DISFA_PLUS_AUS)
    shapes = {
        "crops": (TensorProto.UINT8, ["N", SIDE, SIDE, 3]),
        "logits": (TensorProto.FLOAT, ["N", len(labels)]),
        "cams": (TensorProto.FLOAT, ["N", len(labels), GRID, GRID]),
    }
    values = [helper.make_tensor_value_info(name, *what) for name, what in shapes.items()]
    graph = helper.make_graph(writer.nodes, "vgg19", values[:1], values[1:], writer.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {METADATA_KEY: _contract(labels).to_json()})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


class _Writer:
    def __init__(self, rng: np.random.Generator) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self._rng = rng

    def body(self) -> tuple[str, str]:
        """Returns the names of the last feature maps and of their last pooling."""
        self._node("Cast", ["crops"], "pixels", to=TensorProto.FLOAT)
        self._node("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
        self._node("Sub", ["planes", self._constant("mean", 118.0)], "centred")
        last = self._node("Div", ["centred", self._constant("std", 58.0)], "normal")
        before, channels = last, 3
        for place, width in enumerate(LAYERS):
            if width == 0:
                before = last
                pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
                last = self._node("MaxPool", [last], f"pool{place}", **pool)
                continue
            weights = self._random(f"w{place}", (width, channels, 3, 3), fan_in=channels * 9)
            bias = self._constant(f"b{place}", np.zeros(width))
            self._node("Conv", [last, weights, bias], f"conv{place}", pads=[1] * 4)
            last, channels = self._node("Relu", [f"conv{place}"], f"relu{place}"), width
        return before, last

    def head(self, maps: str, pooled: str) -> None:
        """Adds the logits and, from the maps before the last pooling, the CAM of every label."""
        hidden = self._random("hidden_w", (HIDDEN, LAYERS[-2]), fan_in=LAYERS[-2])
        out = self._random("out_w", (len(DISFA_PLUS_AUS), HIDDEN), fan_in=HIDDEN)
        mean = [pooled, self._constant("axes", [2, 3], np.int64)]
        self._node("ReduceMean", mean, "mean_maps", keepdims=0)
        self._node("Gemm", ["mean_maps", hidden], "before_relu", transB=1)
        self._node("Relu", ["before_relu"], "after_relu")
        self._node("Gemm", ["after_relu", out], "logits", transB=1)
        self._node("Greater", ["before_relu", self._constant("zero", 0.0)], "open")
        self._node("Cast", ["open"], "open_units", to=TensorProto.FLOAT)
        one = self._constant("one", [1], np.int64)
        self._node("Unsqueeze", ["open_units", one], "open_rows")
        self._node("Mul", ["open_rows", out], "paths")
        self._node("MatMul", ["paths", hidden], "derivatives")
        self._node("Div", ["derivatives", self._constant("pixels_n", GRID**2)], "importance")
        flat = self._constant("flat", [0, LAYERS[-2], GRID**2], np.int64)
        self._node("Reshape", [maps, flat], "flat_maps")
        self._node("MatMul", ["importance", "flat_maps"], "heat")
        self._node("Relu", ["heat"], "warm")
        grid = self._constant("grid", [0, len(DISFA_PLUS_AUS), GRID, GRID], np.int64)
        self._node("Reshape", ["warm", grid], "cams")

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        node = helper.make_node(kind, inputs, [output], name=f"make_{output}", **attributes)
        self.nodes.append(node)
        return output

    def _constant(self, name: str, value: object, dtype: type = np.float32) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def _random(self, name: str, shape: tuple[int, ...], *, fan_in: int) -> str:
        return self._constant(name, self._rng.normal(0, (2 / fan_in) ** 0.5, shape))


def _contract(labels: tuple[str, ...]) -> ModelContract:
    return ModelContract(
        name="vgg19-random",
        network="vgg19",
        task="multi_label",
        labels=labels,
        input_size=SIDE,
        crop=CropRule(detector="haar", expand=1.1, offset_x=0.0, offset_y=0.1),
        mean=(118 / 255,) * 3,
        std=(58 / 255,) * 3,
        thresholds=(0.5,) * len(labels),
        thresholds_origin="none: random weights",
        weights_sha256="0" * 64,
        recipe="none",
        git_commit="none",
        licence="Apache-2.0",
        training_data="nothing: random weights",
        cam_method="gradcam",
        cam_scale=(1.0,) * len(labels),
        opset=18,
    )
