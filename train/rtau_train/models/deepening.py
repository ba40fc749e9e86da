"""Makes a VGG19 of a shallow one that is trained already, without changing what it computes.

Net2DeeperNet (Chen, Goodfellow & Shlens, ICLR 2016, section 2.2): every convolution that is added
behind a ReLU begins as the identity. Simonyan & Zisserman (ICLR 2015, section 3.1) began their deep
networks with a shallow one, too. Called by `rtau_train.fitting.start_from`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from rtau_train.models.vgg19 import BLOCKS, SHALLOW

# Name of a deep network -> the shallow one it may begin with.
SHALLOW_OF: Mapping[str, str] = {"vgg19_bn": "vgg19_bn_shallow"}
_PREFIX = "body.features."
# Layers of a convolution in torchvision's order: itself, batch norm, ReLU.
_PER_CONVOLUTION = 3


def deepened(shallow: Mapping[str, Tensor], /) -> dict[str, Tensor]:
    """Returns the state dict of a `vgg19_bn` that computes what a `vgg19_bn_shallow` does.

    In eval mode the two are equal up to rounding. In training mode, where a batch norm takes its
    numbers from the batch, they are as close as what comes out of each ReLU is to a rectified
    Gaussian of its batch norm's mean and deviation: an added batch norm multiplies by the deviation
    of that and adds its mean, so that it changes nothing.
    """
    deep = {name: value for name, value in shallow.items() if not name.startswith(_PREFIX)}
    old = new = 0
    for given, wanted in zip(SHALLOW, BLOCKS, strict=True):
        for place in range(len(wanted)):
            if place < len(given):
                deep |= _moved(shallow, old, new)
                last = old
                old += _PER_CONVOLUTION
            else:
                deep |= _identity(shallow, last, new)
            new += _PER_CONVOLUTION
        old, new = old + 1, new + 1  # the max-pool between blocks
    return deep


def _moved(state: Mapping[str, Tensor], old: int, new: int) -> dict[str, Tensor]:
    """Returns a convolution and its batch norm under the numbers they get."""
    return {
        f"{_PREFIX}{new + layer}.{name.removeprefix(start)}": value.clone()
        for layer in range(2)
        for name, value in state.items()
        if name.startswith(start := f"{_PREFIX}{old + layer}.")
    }


def _identity(state: Mapping[str, Tensor], old: int, new: int) -> dict[str, Tensor]:
    """Returns a convolution and a batch norm that pass on what comes out of layer `old`'s ReLU."""
    bias = state[f"{_PREFIX}{old + 1}.bias"].double()
    mean, variance = _rectified(bias, state[f"{_PREFIX}{old + 1}.weight"].double())
    kernel = torch.empty(len(bias), len(bias), 3, 3)
    nn.init.dirac_(kernel)
    eps = nn.BatchNorm2d(1).eps
    return {
        f"{_PREFIX}{new}.weight": kernel,
        f"{_PREFIX}{new}.bias": torch.zeros(len(bias)),
        f"{_PREFIX}{new + 1}.weight": (variance + eps).sqrt().float(),
        f"{_PREFIX}{new + 1}.bias": mean.float(),
        f"{_PREFIX}{new + 1}.running_mean": mean.float(),
        f"{_PREFIX}{new + 1}.running_var": variance.float(),
        f"{_PREFIX}{new + 1}.num_batches_tracked": torch.zeros((), dtype=torch.long),
    }


def _rectified(mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and variance of max(0, x) for Gaussian x, per channel.

    With z = mean / deviation, density phi and distribution Phi of the standard Gaussian:
    E = mean Phi(z) + deviation phi(z), E2 = (mean^2 + deviation^2) Phi(z) + mean deviation phi(z).
    """
    spread = deviation.abs().clamp(min=1e-6)
    z = mean / spread
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    below = torch.special.ndtr(z)
    first = mean * below + spread * density
    second = (mean**2 + spread**2) * below + mean * spread * density
    return first, (second - first**2).clamp(min=1e-12)
