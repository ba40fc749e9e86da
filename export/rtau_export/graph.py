"""The exported module: uint8 crops in, logits and the CAM of every label out, ordinary operators.

Normalisation and heatmaps live inside, so the runtime has no number to get wrong and needs no
backward pass. Called by `rtau_export.onnx`.
"""

from __future__ import annotations

from torch import Tensor, nn

from rtau.contract import CamMethod
from rtau_train.cam import logits_and_cams
from rtau_train.models.facenet import FaceNet


class FaceGraph(nn.Module):
    """A network as the runtime sees it: crops uint8 (N, S, S, 3), RGB, to its outputs."""

    def __init__(self, net: FaceNet, *, cam_method: CamMethod | None) -> None:
        """Takes a network in eval mode and the kind of heatmap to compute, None for none.

        Raises:
            ValueError: the network is in training mode: dropout and batch statistics would be
                exported.
        """
        super().__init__()
        if net.training:
            raise ValueError("net must be in eval mode, got training mode; call net.eval()")
        self.net = net
        self.cam_method: CamMethod | None = cam_method
        self.eval()

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Returns logits (N, A) and, if wanted, CAMs (N, A, h, w) >= 0 on their raw scale."""
        maps = self.net.features(crops)
        if self.cam_method is None:
            return (self.net.head(self.net.pooling(maps)),)
        return logits_and_cams(maps, self.net.head, self.net.pooling, method=self.cam_method)
