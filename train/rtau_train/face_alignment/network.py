"""The alignment network: grey crops in, presence and 68 points out.

Six convolutions and two linear layers; normalisation and calibration are part of the graph, so the
runtime hands over pixels as they are. Called by `fit.py` and `exported.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from rtau.squares import Floats
from rtau_train.face_alignment.examples import POINTS, SIZE_PX

# Side of the maps before the linear layers, px.
_LAST_PX: Final = 4
# Strides of the convolutions: maps of 32, 16, 16, 8, 8 and 4 px.
STRIDES: Final = (2, 2, 1, 2, 1, 2)
# Added to the standard deviation of a crop, in grey levels: in the dark, noise stays small.
_LEAST_CONTRAST: Final = 4.0
# The middle counts more for mean and contrast: there the face is, whatever is behind it.
_MIDDLE_PX: Final = 20.0


class AlignmentNetwork(nn.Module):
    """Says for crops, uint8 (N, 64, 64), how sure it is of a face, and where its points are."""

    weights: Tensor
    calibration: Tensor

    def __init__(
        self, channels: Sequence[int], /, *, hidden: int, average_points_xy: Floats
    ) -> None:
        """Builds the network with random weights.

        Args:
            channels: of the six convolutions.
            hidden: units of the layer before the outputs.
            average_points_xy: float32 (68, 2), px: what it answers before it has learnt anything.
        """
        super().__init__()
        assert len(channels) == len(STRIDES), "a number of channels per convolution"
        layers: list[nn.Module] = []
        for inside, outside, stride in zip((1, *channels[:-1]), channels, STRIDES, strict=True):
            layers += [
                nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            ]
        self.backbone = nn.Sequential(*layers)
        self.hidden = nn.Linear(channels[-1] * _LAST_PX**2, hidden)
        self.outputs = nn.Linear(hidden, 1 + 2 * POINTS)
        with torch.no_grad():
            self.outputs.weight *= 0.1
            self.outputs.bias[0] = 0
            self.outputs.bias[1:] = torch.from_numpy(_units(average_points_xy)).flatten()
        self.register_buffer("weights", torch.from_numpy(_window()))
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Returns presence logits (N,) and points (N, 68, 2), px in the crop."""
        pixels = crops.to(torch.float32)  # (N, 64, 64)
        mean = (pixels * self.weights).sum(dim=(1, 2), keepdim=True)
        centred = pixels - mean
        variance = (centred * centred * self.weights).sum(dim=(1, 2), keepdim=True)
        normal = centred / (torch.sqrt(variance) + _LEAST_CONTRAST)
        maps = self.backbone(normal.unsqueeze(1))  # (N, C, 4, 4)
        seen = torch.relu(self.hidden(maps.flatten(1)))
        answers = self.outputs(seen)  # (N, 137)
        scale, shift = self.calibration[0], self.calibration[1]
        logits = answers[:, 0] * scale + shift
        points = (answers[:, 1:].unflatten(1, (POINTS, 2)) + 0.5) * SIZE_PX
        return logits, points

    def calibrate(self, *, scale: float, shift: float) -> None:
        """Makes the logits come out as scale * logit + shift."""
        self.calibration.copy_(torch.tensor([scale, shift]))


def _units(points_xy: Floats) -> Floats:
    """Returns px in the crop as what the last layer gives: sides from the middle."""
    return np.asarray(points_xy / SIZE_PX - 0.5, np.float32)


def _window() -> Floats:
    axis = np.arange(SIZE_PX) + 0.5 - SIZE_PX / 2
    bell = np.exp(-((axis / _MIDDLE_PX) ** 2) / 2)
    window = np.outer(bell, bell)
    return np.asarray(window / window.sum(), np.float32)
