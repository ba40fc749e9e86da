"""Static INT8 of an exported graph: Q/DQ pairs around the backbone, weights per channel.

Two profiles, for integer arithmetic that differs: `cpu` is what ONNX Runtime runs fast on a CPU,
`trt` is what TensorRT accepts. Everything outside the backbone stays float32. Called by
`rtau_export.precision`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime import quantization

from rtau.backends.tensors import INPUT
from rtau.contract import Int8Profile
from rtau.data import Image
from rtau_export._backbone import backbone_places, name_nodes
from rtau_export._rounding import FloatArray, rounded

Ranges = Literal["minmax", "percentile", "entropy"]
METHODS: dict[Ranges, Any] = {
    "minmax": quantization.CalibrationMethod.MinMax,
    "percentile": quantization.CalibrationMethod.Percentile,
    "entropy": quantization.CalibrationMethod.Entropy,
}
READERS: dict[Int8Profile, str] = {"cpu": "ONNX Runtime on a CPU", "trt": "TensorRT"}
# Rows per calibration step: the histogram methods hold every activation of a step in memory,
# 120 MB a picture for VGG19.
ROWS = 8
# ONNX Runtime's quantiser asks for its own preprocessing unless it finds this mark; our
# graphs have neither batch norms to fold nor unknown shapes.
PREPROCESSED = ("onnx.quant.pre_process", "onnxruntime.quant")


@dataclasses.dataclass(frozen=True)
class _Profile:
    """How one kind of integer arithmetic wants its graph."""

    activations: Any
    quantised: frozenset[str]
    """Operators that compute on integers; others in the backbone stay float."""
    seven_bits: bool
    """Whether weights keep to seven of their eight bits."""
    options: dict[str, object]

    @property
    def most(self) -> int:
        """The largest integer of a weight, as ONNX Runtime's quantiser sets its steps."""
        return 64 if self.seven_bits else 127


_TRT_OPERATORS = frozenset({"Conv", "ConvTranspose", "Add"})
PROFILES: dict[Int8Profile, _Profile] = {
    # ONNX Runtime fuses DQ -> operator -> Q into one integer kernel, so every operator between two
    # convolutions takes part, or each would cost a trip to float and back.
    "cpu": _Profile(
        activations=quantization.QuantType.QUInt8,
        quantised=frozenset(
            {
                *("Conv", "ConvTranspose", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Add", "Mul"),
                *("MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Split", "Pad"),
                *("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten"),
            }
        ),
        # A CPU with AVX2 but without VNNI adds two products of uint8 and int8 in 16 bits, and two
        # of 255 * 127 do not fit: with eight bits it changed 5 % of the decisions of the shipped
        # model, and said nothing. Two of 255 * 64 fit.
        seven_bits=True,
        options={"ActivationSymmetric": False, "WeightSymmetric": True},
    ),
    # TensorRT moves Q and DQ along the graph itself: only what feeds a convolution or a residual
    # sum is marked, zero points are 0 and biases stay float.
    "trt": _Profile(
        activations=quantization.QuantType.QInt8,
        quantised=_TRT_OPERATORS,
        seven_bits=False,
        options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": sorted(_TRT_OPERATORS),
        },
    ),
}


def quantise(
    proto: onnx.ModelProto,
    fitting: Image,
    /,
    *,
    profile: Int8Profile,
    ranges: Ranges,
    feedback: Mapping[str, FloatArray] | None = None,
) -> onnx.ModelProto:
    """Returns the model with its backbone in INT8; inputs and outputs keep their types.

    Args:
        proto: an exported float32 model.
        fitting: uint8 (N, S, S, 3), the pictures that set the ranges of the activations.
        profile: what the file is made for.
        ranges: how a range is taken from the activations seen.
        feedback: by the name of a convolution's weights, how their errors make each other good, of
            `rtau_export._rounding`; weights that are not in it are rounded to the nearest.

    Raises:
        ContractError: the graph has no backbone.
    """
    wanted = PROFILES[profile]
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    name_nodes(model)
    backbone = backbone_places(model.graph)
    nodes = dict(enumerate(model.graph.node))
    kinds = {nodes[place].op_type for place in backbone} & wanted.quantised
    model.metadata_props.add(key=PREPROCESSED[0], value=PREPROCESSED[1])
    with tempfile.TemporaryDirectory(prefix="rtau-int8-") as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model.SerializeToString())
        # The quantiser prints its progress; stdout belongs to results.
        with contextlib.redirect_stdout(io.StringIO()):
            quantization.quantize_static(
                source,
                target,
                _Pictures(fitting),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=sorted(kinds),
                nodes_to_exclude=[
                    node.name for place, node in nodes.items() if place not in backbone
                ],
                per_channel=True,
                reduce_range=wanted.seven_bits,
                activation_type=wanted.activations,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=METHODS[ranges],
                extra_options={
                    **wanted.options,
                    "CalibStridedMinMax": 1,
                    "CalibTensorRangeSymmetric": wanted.options["ActivationSymmetric"],
                },
            )
        reduced = onnx.load_from_string(target.read_bytes())
    round_together(reduced.graph, model.graph, feedback or {}, most=wanted.most)
    if profile == "trt":
        free_one_branch(reduced.graph)
    return reduced


def round_together(
    graph: onnx.GraphProto,
    source: onnx.GraphProto,
    feedback: Mapping[str, FloatArray],
    /,
    *,
    most: int,
) -> None:
    """Replaces the integers of convolutions by those that rounding with feedback gives.

    Nodes, scales and biases stay: a file is as fast as without.

    Args:
        graph: what the quantiser made of `source`; is changed.
        source: float32, its nodes with the names they have in `graph`.
        feedback: by the name of the weights in `source`; others stay as they are.
        most: the largest integer either way.
    """
    exact = {tensor.name: tensor for tensor in source.initializer}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    weights_of = {node.name: node.input[1] for node in source.node if node.op_type == "Conv"}
    for conv in graph.node:
        name = weights_of.get(conv.name, "")
        if name not in feedback or conv.input[1] not in makers:
            continue
        integers, scales = makers[conv.input[1]].input[:2]
        weights = numpy_helper.to_array(exact[name])
        found = rounded(
            weights.reshape(len(weights), -1),
            feedback[name],
            scales=numpy_helper.to_array(stored[scales]),
            most=most,
        )
        kept = numpy_helper.from_array(found.reshape(weights.shape), integers)
        stored[integers].CopyFrom(kept)


def free_one_branch(graph: onnx.GraphProto) -> None:
    """Removes Q and DQ between a residual sum and one convolution that feeds nothing else.

    TensorRT then computes the sum inside that convolution's kernel; the other branch, which it
    reads from memory, stays int8.
    """
    makers = {output: node for node in graph.node for output in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    for node in list(graph.node):
        for index, name in enumerate(node.input if node.op_type == "Add" else ()):
            chain = _chain(name, makers)
            kinds = [one.op_type for one in chain]
            alone = all(readers[one.output[0]] == 1 for one in chain)
            if kinds == ["DequantizeLinear", "QuantizeLinear", "Conv"] and alone:
                node.input[index] = chain[-1].output[0]
                for pair in chain[:2]:
                    graph.node.remove(pair)
                break


def _chain(name: str, makers: dict[str, onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Returns the maker of a value, the maker of that one's first input, and the next."""
    chain: list[onnx.NodeProto] = []
    while name in makers and len(chain) < 3:
        chain.append(makers[name])
        name = chain[-1].input[0]
    return chain


class _Pictures(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped base
    """Hands pictures to the quantiser, a few rows at a time."""

    def __init__(self, images_rgb: Image) -> None:
        self._batches = [images_rgb[k : k + ROWS] for k in range(0, len(images_rgb), ROWS)]
        self._waiting = iter(self._batches)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Returns the next input, None at the end of the step."""
        batch = next(self._waiting, None)
        return None if batch is None else {INPUT: batch}

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Starts a step."""
        self._waiting = iter(self._batches[start_index:end_index])
