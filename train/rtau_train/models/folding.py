"""Folds the batch norms that VGG19 was trained with into its convolutions: the plain network.

A batch norm in eval mode multiplies and shifts every channel by fixed numbers, which the weights
and the bias of the convolution before it can hold. Called by `rtau_export.onnx`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.utils import fusion

from rtau_train.models.facenet import FaceNet
from rtau_train.models.vgg19 import Vgg19

# Name of a network that is only trained -> name of the network that is exported in its place.
_EXPORTED_AS: Mapping[str, str] = {
    "vgg19_bn": "vgg19",
    "vgg19_bn_shallow": "vgg19_shallow",
}


def exported_as(name: str, /) -> str:
    """Returns the name under which a network is exported, mostly its own."""
    return _EXPORTED_AS.get(name, name)


def folded(net: FaceNet, /) -> FaceNet:
    """Returns a copy of a VGG19 without its batch norms, which computes the same function.

    Any other network, and a VGG19 that has none, is returned as it is. The new weights are
    computed in float64 and then rounded to the old ones' type.

    Raises:
        ValueError: the network is in training mode, where batch norms follow the batch.
    """
    if not isinstance(net.body, Vgg19) or not net.body.batch_norms:
        return net
    if net.training:
        raise ValueError("net must be in eval mode, got training mode; call net.eval()")
    with torch.device("meta"):  # the weights are about to be replaced
        body = Vgg19(batch_norms=False, pretrained=None, blocks=net.body.blocks)
    body.features.load_state_dict(_fused(net.body.features).state_dict(), assign=True)
    plain = copy.deepcopy(net)
    plain.body = body
    return plain.eval()


def _fused(layers: nn.Sequential) -> nn.Sequential:
    """Returns the layers with every batch norm folded into the convolution before it."""
    kept: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            before = kept.pop()
            assert isinstance(before, nn.Conv2d), "a batch norm follows a convolution"
            exact = copy.deepcopy(before).double(), copy.deepcopy(layer).double()
            kept.append(fusion.fuse_conv_bn_eval(*exact).to(before.weight.dtype))
        else:
            kept.append(layer)
    return nn.Sequential(*kept)
