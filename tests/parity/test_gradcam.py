"""Grad-CAM and Grad-CAM++ written as matrix products, against torch's autograd in float64."""

import dataclasses

import pytest
import torch

from rtau.backends.parity import probe_crops
from rtau_export.graph import FaceGraph
from rtau_train.models import NETWORKS, build
from rtau_train.models.cam import LEAST_DENOMINATOR, gradcam_plus_plus_weights, logits_and_cams
from rtau_train.models.facenet import Head
from rtau_train.models.pooling import Pooling
from tests.parity.cam_reference import autograd_cams
from tests.support.training import shipped_recipe

METHODS = ("gradcam", "gradcam++")
POOLINGS = [(kind, first) for kind in ("average", "max") for first in (False, True)]
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
# The published form of each network at the smallest crop it takes; maps of 2x2 to 4x4 cells.
SIZES = {"nasnet_mobile": 64}
NETWORK = shipped_recipe().network


def network_of(name, **changes):
    size = SIZES.get(name, 56)
    return dataclasses.replace(NETWORK, name=name, input_size=size, landmarks=False, **changes)


def random_net(network):
    """A network in float64 whose batch norms and logits are not near their starting values."""
    torch.manual_seed(5)
    net = build(network).double().eval()
    with torch.no_grad():
        for layer in net.body.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.bias.normal_(0.3, 0.3)
        net.head.out.weight *= 20
    return net


def assert_same(found, wanted):
    assert found.shape == wanted.shape
    assert wanted.max() > 0
    assert (found - wanted).abs().max() < 1e-9 * max(1.0, float(wanted.max()))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kind", "first"), POOLINGS)
@pytest.mark.parametrize("hidden", [0, 32])
@pytest.mark.parametrize("shape", [(1, 16, 7, 7), (4, 33, 5, 9), (2, 8, 2, 2)])
def test_random_heads_and_maps_agree_with_autograd(shape, hidden, kind, first, method):
    torch.manual_seed(4)
    head = Head(shape[1], dataclasses.replace(NETWORK, hidden=hidden)).double().eval()
    maps = torch.relu(torch.randn(shape, dtype=torch.float64))

    wanted_logits, wanted = autograd_cams(maps, head, kind=kind, max_pool_first=first)
    pooling = Pooling(kind, max_pool_first=first)
    with torch.inference_mode():
        logits, cams = logits_and_cams(maps, head, pooling, method=method)

    assert_same(cams, wanted[method])
    assert (logits - wanted_logits).abs().max() < 1e-9


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_agrees_with_autograd(name, pooling):
    network = network_of(name, pooling=pooling)
    net = random_net(network)
    crops = torch.from_numpy(probe_crops(2, size=network.input_size))
    with torch.inference_mode():
        maps = net.features(crops).clone()

    wanted_logits, wanted = autograd_cams(
        maps, net.head, kind=pooling, max_pool_first=name.startswith("vgg19")
    )

    for method in METHODS:
        with torch.inference_mode():
            logits, cams = FaceGraph(net, cam_method=method)(crops)
        assert_same(cams, wanted[method])
        assert (logits - wanted_logits).abs().max() < 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_a_softmax_head_takes_the_derivative_of_the_logit(method):
    network = network_of("resnet18", labels=EMOTIONS, task="multi_class", hidden=0)
    net = random_net(network)
    crops = torch.from_numpy(probe_crops(3, size=network.input_size))
    with torch.inference_mode():
        _, cams = FaceGraph(net, cam_method=method)(crops)
        maps = net.features(crops).clone()

    assert cams.shape[:2] == (3, 7)
    assert_same(cams, autograd_cams(maps, net.head)[1][method])


def test_the_shipped_network_agrees_with_autograd(either):
    net = either.network().double()
    crops = torch.from_numpy(probe_crops(3, size=either.recipe.network.input_size))
    with torch.inference_mode():
        maps = net.features(crops).clone()
    wanted_logits, wanted = autograd_cams(maps, net.logits_of)

    for method in METHODS:
        with torch.inference_mode():
            logits, cams = FaceGraph(net, cam_method=method)(crops)
        assert cams.shape == (3, len(either.thresholds), 7, 7)
        assert_same(cams, wanted[method])
        assert (logits - wanted_logits).abs().max() < 1e-9


def test_a_map_nobody_looks_at_weighs_nothing():
    slopes = torch.tensor([[[0.0, -1.0, 2.0]]], dtype=torch.float64)
    maps = torch.ones(1, 3, 2, 2, dtype=torch.float64)

    weights = gradcam_plus_plus_weights(slopes, maps, cells=4)

    assert weights.tolist() == [[[0.0, 0.0, 2.0 / (2 + 4 * 2.0 / 4)]]]


@pytest.mark.parametrize("heat", [-1.9, -2.0, -2.1, -50.0])
def test_near_the_pole_of_negative_maps_the_weight_is_held(heat):
    slopes = torch.ones(1, 1, 1, dtype=torch.float64)
    maps = torch.full((1, 1, 1, 1), heat, dtype=torch.float64)

    weights = gradcam_plus_plus_weights(slopes, maps, cells=1)

    assert weights.item() == 1 / LEAST_DENOMINATOR


def test_landmarks_that_add_to_the_logits_are_in_the_derivative():
    network = dataclasses.replace(network_of("resnet18"), landmarks=True, geometry=True)
    net = random_net(network)
    torch.nn.init.normal_(net.geometry.weight, std=0.3)
    torch.nn.init.normal_(net.geometry.bias)
    crops = torch.from_numpy(probe_crops(3, size=network.input_size))
    with torch.inference_mode():
        maps = net.features(crops).clone()
    wanted_logits, wanted = autograd_cams(
        maps, lambda pooled: net.head(pooled) + net.geometry(net.landmarks_of(pooled).flatten(1))
    )

    for method in METHODS:
        with torch.inference_mode():
            logits, cams, _ = FaceGraph(net, cam_method=method, landmarks=True)(crops)
            assert (net(crops)[0] - wanted_logits).abs().max() < 1e-9
        assert_same(cams, wanted[method])
        assert (logits - wanted_logits).abs().max() < 1e-9
