"""The part that all networks share: normalisation, pooling, the papers' head, the landmarks.

The head is global average pooling, one hidden ReLU layer and one output per AU; beside it a
linear layer predicts 68 landmarks from the same pooled features while training. Built by
`rtau_train.models.build`.
"""

from __future__ import annotations

import abc

import torch
from torch import Tensor, nn

from rtau_train.recipe import Network

# iBUG's count of points (Sagonas et al. 2013), each with x and y.
LANDMARK_VALUES = 136


class Body(nn.Module, abc.ABC):
    """A convolutional body: normalised pictures in, feature maps out."""

    channels: int
    """Feature maps it returns."""

    @abc.abstractmethod
    def set_dense(self, dense: bool, /) -> None:
        """Chooses the finer feature map that is exported, or the cheap one to train with.

        Both compute the same features at the places they share.
        """


class Normalise(nn.Module):
    """uint8 pictures to normalised floats; the same module trains and is exported."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, crops_rgb: Tensor) -> Tensor:
        """Returns (N, 3, S, S) from uint8 (N, S, S, 3).

        Cast first, then transpose: TensorRT's parser refuses a transpose of uint8.
        """
        planes = crops_rgb.to(self.mean.dtype).permute(0, 3, 1, 2)
        return (planes / 255 - self.mean) / self.std


class Head(nn.Module):
    """Pooled features (N, C) to logits (N, A) through one hidden ReLU layer."""

    def __init__(self, channels: int, network: Network) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, network.hidden)
        self.dropout = nn.Dropout(network.dropout)
        self.out = nn.Linear(network.hidden, len(network.labels))

    def forward(self, pooled: Tensor) -> Tensor:
        """Returns logits (N, A)."""
        hidden: Tensor = self.dropout(torch.relu(self.hidden(pooled)))
        logits: Tensor = self.out(hidden)
        return logits


class FaceNet(nn.Module):
    """uint8 crops to AU logits and landmarks."""

    def __init__(self, body: Body, network: Network) -> None:
        super().__init__()
        self.normalise = Normalise(network.mean, network.std)
        self.body = body
        self.head = Head(body.channels, network)
        self.landmarks = nn.Linear(body.channels, LANDMARK_VALUES)

    def features(self, crops_rgb: Tensor) -> Tensor:
        """Returns the last feature maps, (N, C, h, w), of uint8 crops (N, S, S, 3)."""
        maps: Tensor = self.body(self.normalise(crops_rgb))
        return maps

    def forward(self, crops_rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits (N, A) and landmarks (N, 68, 2), [-1, 1] across the crop."""
        pooled = self.features(crops_rgb).mean(dim=(2, 3))
        return self.head(pooled), self.landmarks(pooled).reshape(-1, 68, 2)
