"""ShuffleNetV2 as it was trained against the wider one that is exported."""

import copy

import numpy as np
import onnx
import pytest
import torch

from rtau.backends.parity import probe_crops
from rtau_export import onnx as exporter
from rtau_export.graph import FaceGraph
from rtau_train.models import build
from rtau_train.models.alignment import MULTIPLE, aligned
from tests.parity.networks import random_model

METHODS = ("gradcam", "gradcam++")


@pytest.fixture(scope="module")
def net():
    """A network whose batch norms do something: gains of both signs, offsets, statistics."""
    model = random_model("shufflenetv2_x1_0")
    net = build(model.recipe.network)
    net.load_state_dict(model.weights)
    net.set_dense(True)
    torch.manual_seed(58)
    with torch.no_grad():
        for layer in net.body.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.normal_(1, 0.3)
                layer.bias.normal_(0.2, 0.2)
                layer.running_mean.normal_(0, 0.2)
                layer.running_var.uniform_(0.5, 2)
    return net.eval()


@pytest.mark.parametrize("method", METHODS)
@torch.inference_mode()
def test_in_float64_all_outputs_are_the_same(net, method):
    exact = copy.deepcopy(net).double()
    crops = torch.from_numpy(probe_crops(3, size=112))
    wanted = FaceGraph(exact, cam_method=method)(crops)
    got = FaceGraph(aligned(exact), cam_method=method)(crops)
    assert all(float(output.abs().max()) > 1e-3 for output in wanted)
    for one, other in zip(got, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_every_depthwise_convolution_of_the_file_has_a_multiple_of_four_channels(net):
    proto = exporter.plain_graph(FaceGraph(aligned(net), cam_method="gradcam"), size=112)
    assert not _odd(proto)
    depthwise = {one.groups for one in net.modules() if isinstance(one, torch.nn.Conv2d)}
    assert 58 in depthwise, "there would be nothing to align"


def test_the_network_itself_is_left_as_it_was(net):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    aligned(net)
    after = net.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_network_in_training_mode_is_refused(net):
    training = copy.deepcopy(net).train()
    with pytest.raises(ValueError, match="eval mode"):
        aligned(training)


def test_another_network_is_returned_as_it_is():
    other = random_model("mobilenetv2").network()
    assert aligned(other) is other


def _odd(proto: onnx.ModelProto) -> set[int]:
    """Returns the numbers of channels of depthwise convolutions that are no such multiple."""
    shapes = {one.name: tuple(one.dims) for one in proto.graph.initializer}
    groups = {
        int(attribute.i)
        for node in proto.graph.node
        if node.op_type == "Conv" and shapes[node.input[1]][1] == 1
        for attribute in node.attribute
        if attribute.name == "group"
    }
    assert groups
    return {count for count in groups if np.remainder(count, MULTIPLE)}
