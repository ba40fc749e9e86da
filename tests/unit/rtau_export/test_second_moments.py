import numpy as np
import pytest

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("onnxruntime", reason="runs its models with ONNX Runtime")
import onnxruntime

from rtau.backends.parity import probe_crops
from rtau_export import _second_moments
from rtau_export._second_moments import patch_second_moments, patches_of
from tests.support.reduced import residual_model

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]


class InOrder:
    """A lot that draws every place in turn."""

    def permutation(self, count):
        return np.arange(count)


@pytest.fixture(scope="module")
def model():
    return onnx.load_from_string(residual_model())


def convolved(values, weights, node):
    """Returns what ONNX Runtime makes of one convolution."""
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, values.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": values})[0]


@pytest.mark.parametrize(
    ("group", "kernel", "said"),
    [
        (1, (3, 3), {"pads": [1, 1, 1, 1]}),
        (1, (1, 1), {}),
        (4, (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        (2, (5, 1), {"pads": [2, 0, 1, 3], "strides": [1, 2]}),
        (1, (3, 2), {"dilations": [2, 3], "pads": [0, 1, 2, 0]}),
    ],
    ids=["plain", "pointwise", "depthwise", "asymmetric", "dilated"],
)
def test_filters_times_patches_are_the_convolution(group, kernel, said):
    random = np.random.default_rng(1)
    values = random.normal(size=(2, 4, 9, 11)).astype(np.float32)
    weights = random.normal(size=(8, 4 // group, *kernel)).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=group, **said)

    patches = patches_of(values, node, kernel, most=10_000, draw=InOrder())

    # (G, P, K) @ (G, K, O/G), then (P, O).
    filters = weights.reshape(group, 8 // group, -1).transpose(0, 2, 1)
    got = (patches @ filters).transpose(1, 0, 2).reshape(-1, 8)
    wanted = convolved(values, weights, node).transpose(0, 2, 3, 1).reshape(-1, 8)
    assert got == pytest.approx(wanted, abs=1e-5)


def test_every_convolution_has_moments(model):
    found = patch_second_moments(model, probe_crops(9, size=32))

    shapes = {name: (moment.shape, moment.dtype) for name, moment in found.items()}
    assert shapes == {
        "conv1_w": ((1, 27, 27), np.float32),
        "conv2_w": ((1, 72, 72), np.float32),
        "conv3_w": ((1, 72, 72), np.float32),
    }
    for moment in found.values():
        assert moment == pytest.approx(moment.transpose(0, 2, 1), rel=1e-4)
        assert np.linalg.eigvalsh(moment).min() > -1e-3


def test_places_beyond_the_limit_are_drawn_always_the_same(model, monkeypatch):
    crops = probe_crops(9, size=32)
    every = patch_second_moments(model, crops)
    monkeypatch.setattr(_second_moments, "PLACES", 500)

    some, again = patch_second_moments(model, crops), patch_second_moments(model, crops)

    for name in every:
        assert np.array_equal(some[name], again[name])
        assert not np.array_equal(some[name], every[name])
        assert np.corrcoef(some[name].ravel(), every[name].ravel())[0, 1] > 0.9


def test_it_says_nothing_and_leaves_the_model_alone(model, capfd):
    before = model.SerializeToString()

    patch_second_moments(model, probe_crops(2, size=32))

    assert model.SerializeToString() == before
    assert capfd.readouterr() == ("", "")
