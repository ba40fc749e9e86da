"""The branch: from maps of the alignment network to one logit, that something covers the face.

Three convolutions say for every part of the crop whether the face is hidden there; two linear
layers make one answer of that. Called by `fit.py`, which teaches it, and `graft.py`, which writes
it into the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from rtau_train.face_occlusion.examples import CELLS

# Of whole maps, while it learns: the branch must not rely on single ones.
_DROPPED: Final = 0.15


class OcclusionBranch(nn.Module):
    """Says from fine maps (N, C, 16, 16) and coarse ones (N, D, 8, 8) how sure it is of a cover."""

    calibration: Tensor

    def __init__(self, takes: tuple[int, int], channels: Sequence[int], /) -> None:
        """Builds the branch with random weights.

        Args:
            takes: channels of the fine and of the coarse maps.
            channels: of the three convolutions, and units of the layer before the logit.
        """
        super().__init__()
        fine, coarse = takes
        reduced, mixed, last, units = channels
        self.dropout = nn.Dropout2d(_DROPPED)
        self.reduce = _convolution(fine, reduced, side=3, stride=2)
        self.mix = _convolution(reduced + coarse, mixed, side=1, stride=1)
        self.last = _convolution(mixed, last, side=3, stride=1)
        self.cells = nn.Conv2d(last, 1, 1)
        assert self.cells.bias is not None, "it has an offset"
        # Few parts of few faces are hidden.
        nn.init.constant_(self.cells.bias, -2.0)
        self.hidden = nn.Linear(CELLS**2, units)
        self.output = nn.Linear(units, 1)
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def forward(self, maps: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns logits (N,), and those of the parts of the crops (N, 8, 8)."""
        fine, coarse = maps
        both = torch.cat([self.reduce(self.dropout(fine)), self.dropout(coarse)], dim=1)
        seen = self.last(self.mix(both))  # (N, C, 8, 8)
        cells = self.cells(seen)[:, 0]
        units = torch.relu(self.hidden(torch.sigmoid(cells).flatten(1)))
        logits: Tensor = self.output(units)[:, 0]
        return logits * self.calibration[0] + self.calibration[1], cells

    def calibrate(self, *, scale: float, shift: float) -> None:
        """Makes the logits come out as scale * logit + shift."""
        self.calibration.copy_(torch.tensor([scale, shift]))


def folded(layer: nn.Sequential, /) -> tuple[Tensor, Tensor]:
    """Returns weights and offsets of a convolution with the batch norm after it folded in."""
    convolution, norm = layer[0], layer[1]
    assert isinstance(convolution, nn.Conv2d), "a layer begins with its convolution"
    assert isinstance(norm, nn.BatchNorm2d), "a norm follows the convolution"
    assert norm.running_mean is not None, "a norm keeps its mean"
    assert norm.running_var is not None, "a norm keeps its variance"
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * gain[:, None, None, None]
    return weight.detach(), (norm.bias - norm.running_mean * gain).detach()


def _convolution(takes: int, gives: int, *, side: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(takes, gives, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(gives),
        nn.ReLU(inplace=True),
    )
