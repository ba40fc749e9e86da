"""MobileNetV2 (Sandler et al., CVPR 2018) as a body: torchvision's layers.

Its last layer is a 1x1 convolution with ReLU6, so its maps are never negative. Built by
`rtau_train.models.build`.
"""

from __future__ import annotations

import torchvision
from torch import Tensor

from rtau_train.fit_settings import DENSE_BELOW_PX
from rtau_train.models import dense as atrous
from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained

# The block that goes from S / 16 to S / 32: the first of 160 channels.
LAST_STRIDE = 14


class MobileNetV2(Body):
    """The convolutional part of torchvision's MobileNetV2."""

    channels = 1280
    plain_from_px = DENSE_BELOW_PX
    last_block = tuple(f"features.{block}." for block in range(LAST_STRIDE, 19))
    pretrained = Pretrained(
        "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth", "b0353104"
    )

    def __init__(self) -> None:
        super().__init__()
        self.features = torchvision.models.mobilenet_v2(weights=None).features

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, 1280, h, w); h = S / 32 rounded up, or S / 16 when dense."""
        maps: Tensor = self.features(pictures)
        return maps

    def set_dense(self, dense: bool, /) -> None:
        """Removes or restores the last stride; see `Body.set_dense`."""
        strided, *later = atrous.convolutions(self.features[LAST_STRIDE:])
        atrous.set_stride([strided], dense=dense)
        atrous.set_reach(later, dense=dense)


def mobilenetv2() -> MobileNetV2:
    """Returns the body with random weights."""
    return MobileNetV2()
