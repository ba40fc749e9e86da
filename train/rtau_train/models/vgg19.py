"""VGG19 (Simonyan & Zisserman, ICLR 2015) as a body, plain or with batch norms for training.

Its maps are those before the network's last 2x2 max-pool, 14x14 at 224 px: the pool belongs to the
head's pooling, where Grad-CAM needs no routing through it (`rtau_train.models.cam`). Built by
`rtau_train.models.build`.
"""

from __future__ import annotations

import typing

from torch import Tensor, nn

from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained

# Configuration E of the paper: widths of 3x3 convolutions, one list per block; a max-pool between.
BLOCKS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)
# One convolution a block: what a deep one may begin with (`rtau_train.models.deepening`).
SHALLOW = ((64,), (128,), (256,), (512,), (512,))
_URL = "https://download.pytorch.org/models/"


class Vgg19(Body):
    """The sixteen convolutions of VGG19, or fewer, up to the last ReLU; torchvision's keys."""

    channels = 512
    plain_from_px = 112
    max_pool_last = True

    def __init__(
        self,
        *,
        batch_norms: bool,
        pretrained: Pretrained | None,
        blocks: tuple[tuple[int, ...], ...] = BLOCKS,
    ) -> None:
        """Builds it with random weights.

        Args:
            batch_norms: whether one stands between every convolution and its ReLU.
            pretrained: where the ImageNet weights of this form come from, if there are any.
            blocks: the widths of the convolutions.
        """
        super().__init__()
        self.batch_norms = batch_norms
        self.pretrained = pretrained
        self.blocks = blocks
        layers: list[nn.Module] = []
        width = 3
        for block in blocks:
            if layers:
                layers.append(nn.MaxPool2d(2))
            first = len(layers)
            for wider in block:
                layers.append(_convolution(width, wider))
                layers += [nn.BatchNorm2d(wider)] if batch_norms else []
                layers.append(nn.ReLU(inplace=True))
                width = wider
        self.features = nn.Sequential(*layers)
        self.last_block = tuple(f"features.{place}." for place in range(first, len(layers)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, 512, h, w); h = S / 16 rounded down."""
        maps: Tensor = self.features(pictures)
        return maps

    def set_dense(self, dense: bool, /) -> None:
        """Does nothing: from 112 px on the maps are fine enough; export refuses coarser ones."""


def _convolution(width: int, wider: int) -> nn.Conv2d:
    layer = nn.Conv2d(width, wider, 3, padding=1)
    # Without batch normalisation the default start is too small for sixteen layers to learn from.
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    nn.init.constant_(typing.cast(Tensor, layer.bias), 0)
    return layer


def vgg19() -> Vgg19:
    """Returns the body as published, without batch norms, with random weights."""
    return Vgg19(batch_norms=False, pretrained=Pretrained(_URL + "vgg19-dcbb9e9d.pth", "dcbb9e9d"))


def vgg19_bn() -> Vgg19:
    """Returns the body with a batch norm behind every convolution, with random weights."""
    return Vgg19(
        batch_norms=True, pretrained=Pretrained(_URL + "vgg19_bn-c79401a0.pth", "c79401a0")
    )


def vgg19_bn_shallow() -> Vgg19:
    """Returns the first convolution of each block, with batch norms and random weights."""
    return Vgg19(batch_norms=True, pretrained=None, blocks=SHALLOW)
