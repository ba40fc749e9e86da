"""ResNet18, 34, 50 and 101 (He et al., CVPR 2016) as bodies: torchvision's layers.

ResNet101 is one of the first paper's six networks, the others are the second paper's. Built by
`rtau_train.models.build`.
"""

from __future__ import annotations

import torchvision
from torch import Tensor

from rtau_train.fit_settings import DENSE_BELOW_PX
from rtau_train.models import dense as atrous
from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained

_URL = "https://download.pytorch.org/models/"


class ResNet(Body):
    """The convolutional part of one of torchvision's ResNets."""

    plain_from_px = DENSE_BELOW_PX
    last_block = ("layer4.",)

    def __init__(self, net: torchvision.models.ResNet, *, pretrained: Pretrained) -> None:
        super().__init__()
        self.channels = net.fc.in_features
        self.pretrained = pretrained
        self.conv1, self.bn1, self.relu, self.maxpool = net.conv1, net.bn1, net.relu, net.maxpool
        self.layer1, self.layer2 = net.layer1, net.layer2
        self.layer3, self.layer4 = net.layer3, net.layer4

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, C, h, w); h = S / 32 rounded up, or S / 16 when dense."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(pictures))))
        out: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return out

    def set_dense(self, dense: bool, /) -> None:
        """Removes or restores the stride of layer 4; see `Body.set_dense`."""
        first = self.layer4[0]
        # A bottleneck strides in its middle convolution, a basic block in its first.
        strided = first.conv2 if hasattr(first, "conv3") else first.conv1
        atrous.set_stride([strided, first.downsample[0]], dense=dense)
        spatial = [layer for layer in atrous.convolutions(self.layer4) if layer is not strided]
        atrous.set_reach(spatial, dense=dense)


def resnet18() -> ResNet:
    """Returns the 18-layer body with random weights."""
    net = torchvision.models.resnet18(weights=None)
    return ResNet(net, pretrained=Pretrained(_URL + "resnet18-f37072fd.pth", "f37072fd"))


def resnet34() -> ResNet:
    """Returns the 34-layer body with random weights."""
    net = torchvision.models.resnet34(weights=None)
    return ResNet(net, pretrained=Pretrained(_URL + "resnet34-b627a593.pth", "b627a593"))


def resnet50() -> ResNet:
    """Returns the 50-layer body with random weights."""
    net = torchvision.models.resnet50(weights=None)
    return ResNet(net, pretrained=Pretrained(_URL + "resnet50-0676ba61.pth", "0676ba61"))


def resnet101() -> ResNet:
    """Returns the 101-layer body with random weights."""
    net = torchvision.models.resnet101(weights=None)
    return ResNet(net, pretrained=Pretrained(_URL + "resnet101-63fe2227.pth", "63fe2227"))
