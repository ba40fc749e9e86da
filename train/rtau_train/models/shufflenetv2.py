"""ShuffleNetV2 x1.0 (Ma et al., ECCV 2018) as a body: torchvision's layers, random weights.

At 112 px the network as published ends in a 4x4 map, too coarse for a heatmap. `set_dense`
removes the last stride and dilates the layers after it instead (a trous convolution, Chen et al.,
TPAMI 2018), which gives 7x7 with the same weights. Built by `rtau_train.models.build`.
"""

from __future__ import annotations

import torchvision
from torch import Tensor, nn

from rtau_train.fit_settings import DENSE_BELOW_PX
from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained


class ShuffleNetV2(Body):
    """The convolutional part of torchvision's ShuffleNetV2."""

    channels = 1024
    plain_from_px = DENSE_BELOW_PX
    last_block = ("stage4.", "conv5.")
    pretrained = Pretrained(
        "https://download.pytorch.org/models/shufflenetv2_x1-5666bf0f80.pth", "5666bf0f80"
    )

    def __init__(self) -> None:
        super().__init__()
        net = torchvision.models.shufflenet_v2_x1_0(weights=None)
        self.conv1 = net.conv1
        self.maxpool = net.maxpool
        self.stage2, self.stage3, self.stage4 = net.stage2, net.stage3, net.stage4
        self.conv5 = net.conv5

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, 1024, h, w); h = S / 32 rounded up, or S / 16 when dense."""
        maps = self.maxpool(self.conv1(pictures))
        maps = self.stage4(self.stage3(self.stage2(maps)))
        out: Tensor = self.conv5(maps)
        return out

    def set_dense(self, dense: bool, /) -> None:
        """Removes or restores the stride of stage 4; see `Body.set_dense`."""
        first, *later = self.stage4
        stride, dilation = ((1, 1), (2, 2)) if dense else ((2, 2), (1, 1))
        for branch in (first.branch1, first.branch2):
            _depthwise(branch).stride = stride
        for unit in later:
            layer = _depthwise(unit.branch2)
            layer.dilation = layer.padding = dilation


def shufflenetv2_x1_0() -> ShuffleNetV2:
    """Returns the x1.0 body with random weights."""
    return ShuffleNetV2()


def _depthwise(branch: nn.Sequential) -> nn.Conv2d:
    return next(layer for layer in branch if isinstance(layer, nn.Conv2d) and layer.groups > 1)
