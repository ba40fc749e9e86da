"""Our closed forms against the public grad-cam package (PyPI), before its scaling and resizing.

Its Grad-CAM++ adds an epsilon of 1e-6 to a denominator that is near 1e-8, so it is equal to ours
only after that epsilon is cancelled. Unchanged, the maps correlate by as little as .954 (VGG19) and
-.44 (ShuffleNetV2) on random weights, and by .9998 or more on a trained ResNet18. Multiplying the
derivatives and dividing the maps by one large number leaves the package's result as it was and the
epsilon without weight; in float64 the two then agree to rounding.
"""

import dataclasses

import numpy as np
import pytest
import torch

from rtau.backends.parity import probe_crops
from rtau_export.graph import FaceGraph
from rtau_train.models import NETWORKS, build
from tests.support.training import shipped_recipe

pytestmark = pytest.mark.needs_grad_cam
LARGE = 1e8
# Networks of three families; `make test-slow` compares the others.
ALWAYS = ("shufflenetv2_x1_0", "vgg19", "resnet18")
NETWORK = shipped_recipe().network


class LogitsOnly(torch.nn.Module):
    """The network as the package wants it: one output."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, crops):
        return self.net(crops)[0]


def package_cams(kind, net, crops, label):
    """Returns the package's maps of one label, ReLU applied, nothing else: (N, h, w)."""
    with kind(model=LogitsOnly(net), target_layers=[net.body]) as cam:
        torch.autograd.backward(cam.activations_and_grads(crops)[:, label].sum())
        (maps,) = (value.numpy() for value in cam.activations_and_grads.activations)
        (slopes,) = (value.numpy() for value in cam.activations_and_grads.gradients)
        found = cam.get_cam_image(crops, net.body, [], maps / LARGE, slopes * LARGE)
    return np.maximum(found, 0)


def assert_the_package_agrees(net, crops, labels):
    from pytorch_grad_cam import GradCAM, GradCAMPlusPlus  # noqa: PLC0415 - an optional package

    for method, kind in (("gradcam", GradCAM), ("gradcam++", GradCAMPlusPlus)):
        with torch.inference_mode():
            _, cams = FaceGraph(net, cam_method=method)(crops)
        for label in labels:
            wanted = package_cams(kind, net, crops, label)
            assert np.abs(cams[:, label].numpy() - wanted).max() < 1e-9 * max(1, wanted.max())
        assert cams.max() > 0


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in ALWAYS else [pytest.mark.slow])
        for name in sorted(NETWORKS)
    ],
)
def test_random_weights_give_the_packages_maps(name, pooling):
    torch.manual_seed(6)
    size = 64 if name == "nasnet_mobile" else 56
    network = dataclasses.replace(
        NETWORK, name=name, input_size=size, landmarks=False, pooling=pooling
    )
    net = build(network).double().eval()
    net.freeze("last_block")  # autograd need not go further back than the maps

    assert_the_package_agrees(net, torch.from_numpy(probe_crops(2, size=size)), (0, 7))


def test_the_shipped_network_gives_the_packages_maps(either):
    crops = torch.from_numpy(probe_crops(2, size=either.recipe.network.input_size))

    assert_the_package_agrees(either.network().double(), crops, range(12))
