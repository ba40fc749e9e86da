"""EfficientNetB0 (Tan & Le, ICML 2019) as a body: torchvision's layers.

Its last activation is SiLU, so its maps can be slightly negative; `rtau_train.models.cam` guards
Grad-CAM++ against that. Built by `rtau_train.models.build`.
"""

from __future__ import annotations

import torchvision
from torch import Tensor, nn

from rtau_train.fit_settings import DENSE_BELOW_PX
from rtau_train.models import dense as atrous
from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained

# The stage that goes from S / 16 to S / 32: 192 channels, 5x5 kernels.
LAST_STRIDE = 6


class SpatialMean(nn.Module):
    """The squeeze of a block, as an operator that exports as one.

    torch's exporter writes AdaptiveAvgPool2d as a mean and a Gather over a computed range.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Returns the mean of each map, (N, C, 1, 1)."""
        return maps.mean(dim=(2, 3), keepdim=True)


class EfficientNetB0(Body):
    """The convolutional part of torchvision's EfficientNetB0."""

    channels = 1280
    plain_from_px = DENSE_BELOW_PX
    last_block = tuple(f"features.{stage}." for stage in range(LAST_STRIDE, 9))
    pretrained = Pretrained(
        "https://download.pytorch.org/models/efficientnet_b0_rwightman-7f5810bc.pth", "7f5810bc"
    )

    def __init__(self) -> None:
        super().__init__()
        self.features = torchvision.models.efficientnet_b0(weights=None).features
        for block in self.features.modules():
            if isinstance(block, torchvision.ops.SqueezeExcitation):
                block.avgpool = SpatialMean()

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, 1280, h, w); h = S / 32 rounded up, or S / 16 when dense."""
        maps: Tensor = self.features(pictures)
        return maps

    def set_dense(self, dense: bool, /) -> None:
        """Removes or restores the last stride; see `Body.set_dense`.

        The squeeze of each block averages over the cells there are, so here the two forms agree
        closely, not exactly: train the last epochs in the form that is exported.
        """
        strided, *later = atrous.convolutions(self.features[LAST_STRIDE:])
        atrous.set_stride([strided], dense=dense)
        atrous.set_reach(later, dense=dense)


def efficientnet_b0() -> EfficientNetB0:
    """Returns the body with random weights."""
    return EfficientNetB0()
