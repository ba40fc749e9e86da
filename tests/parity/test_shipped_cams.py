"""The heatmaps of the model we ship, trained weights and all, against torch's autograd."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from rtau.backends.parity import probe_crops
from tests.parity.cam_reference import autograd_cams
from tests.support.training import ROOT

SHIPPED = ROOT / "engines" / "shufflenetv2-au14.onnx"


@pytest.fixture(scope="module")
def shipped():
    return onnx.load(SHIPPED)


def trained_head(proto):
    """The head of the file as torch's layers, and what the landmarks add to it."""
    values = {value.name: numpy_helper.to_array(value) for value in proto.graph.initializer}
    layers = []
    for name in ("net.head.hidden", "net.head.out"):
        weight = torch.tensor(values[f"{name}.weight"])
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = weight, torch.tensor(values[f"{name}.bias"])
        layers.append(layer)
    direct = (torch.tensor(values[f"direct_{part}"]).double() for part in ("weight", "bias"))
    head = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1]).double()
    matrix, offset = direct
    return lambda pooled: head(pooled) + torch.nn.functional.linear(pooled, matrix, offset)


def with_maps_as_output(proto):
    """Returns the file with its last feature maps as another output, and their name."""
    (pool,) = (node for node in proto.graph.node if node.op_type == "ReduceMean")
    other = onnx.ModelProto()
    other.CopyFrom(proto)
    other.graph.output.append(onnx.helper.make_empty_tensor_value_info(pool.input[0]))
    return other.SerializeToString(), pool.input[0]


def test_the_shipped_heatmaps_are_those_of_autograd(shipped):
    model, maps_name = with_maps_as_output(shipped)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    size = shipped.graph.input[0].type.tensor_type.shape.dim[1].dim_value

    maps, logits, cams = session.run(
        [maps_name, "logits", "cams"], {"crops": probe_crops(5, size=size)}
    )

    head = trained_head(shipped)
    wanted_logits, wanted = autograd_cams(torch.from_numpy(maps).double(), head)
    assert np.abs(logits - wanted_logits.numpy()).max() < 1e-3
    heat = wanted["gradcam"].numpy()
    assert heat.max() > 0
    np.testing.assert_allclose(cams, heat, atol=1e-4 * heat.max())
