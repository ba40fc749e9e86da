"""Silences channels that never left zero in training, before their batch norms are folded.

Behind such a channel a depthwise convolution gives one value for every picture, so its batch norm
has a variance of zero, and folding would divide the weights by the root of epsilon: too large for
FP16, and loud in the first picture that wakes the channel. Called by `rtau_export.onnx`.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn

from rtau_train.models.facenet import FaceNet

# Channels that live have variances above 1e-3; those that died in training fall below this.
LEAST_VARIANCE = 1e-12


def silenced(net: FaceNet, /) -> FaceNet:
    """Returns a copy whose dead channels give the offset of their batch norm for every picture.

    That is what they gave for every picture of the last epochs; a picture that would have woken one
    is judged without it.

    Raises:
        ValueError: the network is in training mode, where batch norms follow the batch.
    """
    if net.training:
        raise ValueError("net must be in eval mode, got training mode; call net.eval()")
    quiet = copy.deepcopy(net)
    with torch.no_grad():
        for layers in quiet.body.modules():
            if isinstance(layers, nn.Sequential):
                for layer, norm in itertools.pairwise(layers):
                    if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                        _silence(layer, norm)
    return quiet


def _silence(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    dead = norm.running_var < LEAST_VARIANCE
    layer.weight[dead] = 0
    if layer.bias is not None:
        layer.bias[dead] = 0
    norm.running_mean[dead] = 0
    norm.running_var[dead] = 1
