"""Gives the depthwise convolutions of a ShuffleNetV2 a number of channels that runs fast.

ONNX Runtime keeps feature maps in blocks of channels on a CPU, but only where a depthwise
convolution has a multiple of four. The 58 of x1.0's stage 2 are none: half a percent of the
multiplications took a sixth of the time. Two channels that are always zero make them 60. Called
by `rtau_export.onnx`.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from rtau_train.models.facenet import FaceNet
from rtau_train.models.shufflenetv2 import ShuffleNetV2

MULTIPLE = 4


def aligned(net: FaceNet, /) -> FaceNet:
    """Returns a copy of a ShuffleNetV2 with such channels, which computes the same function.

    Any other network is returned as it is. The added channels live between the first and the last
    convolution of a unit's branch: they are made with zero weights, and read with zero weights.

    Raises:
        ValueError: the network is in training mode, where batch norms follow the batch.
    """
    if not isinstance(net.body, ShuffleNetV2):
        return net
    if net.training:
        raise ValueError("net must be in eval mode, got training mode; call net.eval()")
    wider = copy.deepcopy(net)
    assert isinstance(wider.body, ShuffleNetV2)
    for stage in (wider.body.stage2, wider.body.stage3, wider.body.stage4):
        for unit in stage:
            _align(unit.branch2)
    return wider


def _align(branch: nn.Sequential) -> None:
    """Widens what lies between a branch's two pointwise convolutions: makers, norms, reader."""
    convolutions = [layer for layer in branch if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in branch if isinstance(layer, nn.BatchNorm2d)]
    first, depthwise, last = convolutions
    added = -depthwise.out_channels % MULTIPLE
    for layer in (first, depthwise):
        layer.weight = _with_zeros(layer.weight, added, dim=0)
        layer.out_channels += added
    depthwise.in_channels = depthwise.groups = depthwise.out_channels
    for norm in norms[:2]:
        # A norm of gain 0 and offset 0 keeps a channel zero, whatever its statistics.
        norm.weight = _with_zeros(norm.weight, added, dim=0)
        norm.bias = _with_zeros(norm.bias, added, dim=0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean = torch.cat([norm.running_mean, norm.running_mean.new_zeros(added)])
        norm.running_var = torch.cat([norm.running_var, norm.running_var.new_ones(added)])
        norm.num_features += added
    last.weight = _with_zeros(last.weight, added, dim=1)
    last.in_channels += added


def _with_zeros(values: Tensor, added: int, *, dim: int) -> nn.Parameter:
    shape = list(values.shape)
    shape[dim] = added
    return nn.Parameter(torch.cat([values.detach(), values.new_zeros(shape)], dim=dim))
