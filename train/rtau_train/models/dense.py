"""The a trous trick (Chen et al., TPAMI 2018): twice the cells from the same weights.

A stride of 2 is removed and every spatial convolution after it looks twice as far, so that the
cells both forms share hold the same features. Used by the bodies whose maps would be coarser than
7x7 on small crops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn


def set_stride(layers: Iterable[nn.Conv2d], *, dense: bool) -> None:
    """Gives convolutions stride 1 when dense, else the stride 2 they were published with."""
    for layer in layers:
        layer.stride = (1, 1) if dense else (2, 2)


def set_reach(layers: Iterable[nn.Conv2d], *, dense: bool) -> None:
    """Dilates convolutions by 2 when dense, else by 1; the padding keeps the size."""
    step = 2 if dense else 1
    for layer in layers:
        layer.dilation = (step, step)
        layer.padding = tuple(step * (side - 1) // 2 for side in layer.kernel_size)


def convolutions(part: nn.Module, /) -> Sequence[nn.Conv2d]:
    """Returns the spatial convolutions (wider than 1x1) of a part of a network, in order."""
    found = (layer for layer in part.modules() if isinstance(layer, nn.Conv2d))
    return [layer for layer in found if max(layer.kernel_size) > 1]
