"""Second moments of the inputs of a float32 graph's convolutions: means of products of two inputs.

Runs the graph with ONNX Runtime and samples, with a seed, the places of the filters; changes
nothing. Called by `rtau_export.precision`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from rtau.backends.tensors import INPUT
from rtau.data import Image
from rtau_export._rounding import FloatArray
from rtau_export.calibration import SEED

# Rows per run: the inputs of all convolutions are in memory at once, 40 MB a picture for VGG19
# at 224 px.
ROWS = 8
# Places of each convolution, over all pictures; most of the time goes into their products. A filter
# of VGG19 has 4,608 weights: between 4,096 and 16,384 places the errors of its layers on other
# pictures differed by 2 to 5 %.
PLACES = 8192


def patch_second_moments(proto: onnx.ModelProto, images_rgb: Image, /) -> dict[str, FloatArray]:
    """Returns the second moments of a filter's inputs by the name of the convolution's weights.

    Args:
        proto: a float32 model.
        images_rgb: uint8 (N, S, S, 3), N at least 1.

    Returns:
        float32 (G, K, K) each: G groups, K weights of a filter in the order of the file. Transposed
        convolutions are left out, and those whose weights are computed.
    """
    kernels = {tensor.name: tuple(tensor.dims[2:]) for tensor in proto.graph.initializer}
    convs = [
        node for node in proto.graph.node if node.op_type == "Conv" and node.input[1] in kernels
    ]
    read = sorted({conv.input[0] for conv in convs})
    session = _session(proto, read)
    draw = np.random.default_rng(SEED)
    batches = [images_rgb[k : k + ROWS] for k in range(0, len(images_rgb), ROWS)]
    sums: dict[str, FloatArray] = {}
    counts: dict[str, int] = {}
    for batch in batches:
        most = -(-PLACES * len(batch) // len(images_rgb))
        values = dict(zip(read, session.run(read, {INPUT: batch}), strict=True))
        for conv in convs:
            name = conv.input[1]
            patches = patches_of(values[conv.input[0]], conv, kernels[name], most=most, draw=draw)
            products = patches.transpose(0, 2, 1) @ patches
            if name in sums:
                sums[name] += products
            else:
                sums[name] = products
            counts[name] = counts.get(name, 0) + patches.shape[1]
    # In place: those of VGG19 take 800 MB.
    for name, count in counts.items():
        sums[name] /= np.float32(count)
    return sums


def patches_of(
    values: FloatArray,
    conv: onnx.NodeProto,
    kernel: tuple[int, ...],
    /,
    *,
    most: int,
    draw: np.random.Generator,
) -> FloatArray:
    """Returns the inputs of a convolution's filters at sampled places.

    Args:
        values: float32 (N, C, H, W), its input.
        conv: its node, with padding in numbers.
        kernel: height and width of a filter.
        most: places at most; fewer if there are no more.
        draw: random generator that samples them.

    Returns:
        float32 (G, P, C/G * height * width): groups, places, weights of a filter.
    """
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in conv.attribute}
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    down, across = attributes.get("strides", (1, 1))
    apart = attributes.get("dilations", (1, 1))
    padded = np.pad(values, ((0, 0), (0, 0), (top, bottom), (left, right)))
    reach = tuple((size - 1) * step + 1 for size, step in zip(kernel, apart, strict=True))
    # A view: (N, C, rows, columns, height, width).
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(2, 3))
    windows = windows[:, :, ::down, ::across, :: apart[0], :: apart[1]]
    count, _, rows, columns = windows.shape[:4]
    places = draw.permutation(count * rows * columns)[:most]
    picture, row, column = np.unravel_index(places, (count, rows, columns))
    drawn = windows[picture, :, row, column].reshape(len(places), attributes.get("group", 1), -1)
    return np.ascontiguousarray(drawn.transpose(1, 0, 2))


def _session(proto: onnx.ModelProto, names: list[str]) -> Any:
    """Returns a session that gives out these values too."""
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in names
        if name not in known
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: results go to stdout, and nothing else
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
