"""The part that all networks share: normalisation, pooling, the papers' head, the landmarks.

The head is global pooling, one hidden ReLU layer or none and one output per label; beside it a
linear layer may predict 68 landmarks from the same pooled features: training learns by them, the
export may return them, and a linear layer on them may add to the logits. Built by
`rtau_train.models.build`.
"""

from __future__ import annotations

import abc
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtau_train.models.pooling import Pooling
from rtau_train.models.pretrained import Pretrained
from rtau_train.recipe import Network, Unfreeze

# iBUG's count of points (Sagonas et al. 2013), each with x and y.
LANDMARK_VALUES = 136
# Tensors of a state dict that have a row per label.
LABEL_ROWS = ("head.out.weight", "head.out.bias", "geometry.weight", "geometry.bias")
# A linear map from pooled features to logits: weights (A, C) and offsets (A,).
Direct = tuple[Tensor, Tensor]
# Pitch and yaw.
POSE_VALUES = 2
BATCH_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


class Body(nn.Module, abc.ABC):
    """A convolutional body: normalised pictures in, feature maps out."""

    channels: int
    """Feature maps it returns."""
    plain_from_px: int
    """Smallest side of a crop whose maps are 7x7 cells or more without the dense form."""
    max_pool_last: bool = False
    """Whether the published network ends in a 2x2 max-pool, left here to the head's pooling."""
    last_block: tuple[str, ...]
    """Prefixes of the parameters of the last convolutional block: all layers behind the last
    loss of resolution that the maps see."""
    pretrained: Pretrained | None
    """Where its ImageNet weights come from."""

    @abc.abstractmethod
    def set_dense(self, dense: bool, /) -> None:
        """Chooses the finer feature map, or the cheap one as published.

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
    """Pooled features (N, C) to logits (N, A), through one hidden ReLU layer if wanted."""

    def __init__(self, channels: int, network: Network) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, network.hidden) if network.hidden else None
        self.dropout = nn.Dropout(network.dropout)
        self.out = nn.Linear(network.hidden or channels, len(network.labels))

    def forward(self, pooled: Tensor) -> Tensor:
        """Returns logits (N, A)."""
        last = pooled if self.hidden is None else torch.relu(self.hidden(pooled))
        logits: Tensor = self.out(self.dropout(last))
        return logits


class FaceNet(nn.Module):
    """uint8 crops to logits and landmarks."""

    def __init__(self, body: Body, network: Network) -> None:
        super().__init__()
        self.normalise = Normalise(network.mean, network.std)
        self.body = body
        self.pooling = Pooling(network.pooling, max_pool_first=body.max_pool_last)
        self.head = Head(body.channels, network)
        self.landmarks = nn.Linear(body.channels, LANDMARK_VALUES) if network.landmarks else None
        self.geometry = (
            nn.Linear(LANDMARK_VALUES, len(network.labels)) if network.geometry else None
        )
        if self.geometry is not None:
            # Training begins with the head alone: points that are not learnt yet say nothing.
            nn.init.zeros_(self.geometry.weight)
            nn.init.zeros_(self.geometry.bias)
        self.pose = _pose(body.channels) if network.pose else None
        self._may_be_dense = network.input_size < body.plain_from_px

    def features(self, crops_rgb: Tensor) -> Tensor:
        """Returns the last feature maps, (N, C, h, w), of uint8 crops (N, S, S, 3)."""
        maps: Tensor = self.body(self.normalise(crops_rgb))
        return maps

    def forward(self, crops_rgb: Tensor) -> tuple[Tensor, Tensor | None]:
        """Returns logits (N, A) and landmarks (N, 68, 2), [-1, 1] across the crop, or None."""
        pooled = self.pooling(self.features(crops_rgb))
        points = None if self.landmarks is None else self.landmarks_of(pooled)
        logits = self.head(pooled)
        if self.geometry is not None and points is not None:
            logits = logits + self.geometry(points.flatten(1))
        return logits, points

    def logits_of(self, pooled: Tensor, /) -> Tensor:
        """Returns logits (N, A) of pooled features (N, C)."""
        logits: Tensor = self.head(pooled)
        direct = self.direct()
        return logits if direct is None else logits + functional.linear(pooled, *direct)

    def direct(self) -> Direct | None:
        """Returns what the landmarks add to the logits as one linear map of the pooled features.

        Both layers are linear, so their product is exact; None where no landmarks add to them.
        """
        if self.geometry is None or self.landmarks is None:
            return None
        matrix, offset = self.geometry.weight, self.geometry.bias
        return matrix @ self.landmarks.weight, matrix @ self.landmarks.bias + offset

    def landmarks_of(self, pooled: Tensor, /) -> Tensor:
        """Returns landmarks (N, 68, 2), [-1, 1] across the crop, of pooled features (N, C)."""
        assert self.landmarks is not None, "a network without landmarks is not asked for them"
        points: Tensor = self.landmarks(pooled)
        return points.reshape(-1, LANDMARK_VALUES // 2, 2)

    def set_dense(self, dense: bool, /) -> None:
        """Chooses the body's finer maps, if its plain ones would be coarser than 7x7."""
        self.body.set_dense(dense and self._may_be_dense)

    def freeze(self, unfreeze: Unfreeze | Literal["head"], /) -> None:
        """Stops training of what is not to be unfrozen; the head is always trained."""
        for name, value in self.body.named_parameters():
            in_block = unfreeze == "last_block" and name.startswith(self.body.last_block)
            value.requires_grad_(unfreeze == "all" or in_block)

    def train(self, mode: bool = True) -> FaceNet:
        """Returns itself in training mode, in which frozen batch norms keep their statistics."""
        super().train(mode)
        for layer in self.body.modules():
            if isinstance(layer, BATCH_NORMS) and not layer.weight.requires_grad:
                layer.eval()
        return self


def _pose(channels: int) -> nn.Linear:
    """Returns a layer that training leaves at zero and `rtau-train probe` fits afterwards."""
    layer = nn.Linear(channels, POSE_VALUES)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer.requires_grad_(False)
