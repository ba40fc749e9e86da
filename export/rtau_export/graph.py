"""The exported module: uint8 crops in; logits, CAMs and landmarks out; ordinary operators.

Normalisation and heatmaps live inside, so the runtime has no number to get wrong and needs no
backward pass. Called by `rtau_export.onnx`.
"""

from __future__ import annotations

from torch import Tensor, nn

from rtau.backends.tensors import CAMS, LANDMARKS, LOGITS
from rtau.contract import CamMethod
from rtau_train.models.cam import logits_and_cams
from rtau_train.models.facenet import FaceNet


class FaceGraph(nn.Module):
    """A network as the runtime sees it: crops uint8 (N, S, S, 3), RGB, to its outputs."""

    def __init__(
        self, net: FaceNet, *, cam_method: CamMethod | None, landmarks: bool = False
    ) -> None:
        """Takes a network in eval mode and what to compute beside the logits.

        Args:
            net: the network.
            cam_method: the kind of heatmap, None for none.
            landmarks: whether its 68 landmarks are returned.

        Raises:
            ValueError: the network is in training mode: dropout and batch statistics would be
                exported; or landmarks are wanted of a network without them.
        """
        super().__init__()
        if net.training:
            raise ValueError("net must be in eval mode, got training mode; call net.eval()")
        if landmarks and net.landmarks is None:
            raise ValueError("net must have a landmark layer, got one without")
        self.net = net
        self.has_landmarks = landmarks
        self.cam_method: CamMethod | None = cam_method
        self.eval()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` returns, in order."""
        cams = () if self.cam_method is None else (CAMS,)
        return (LOGITS, *cams, *((LANDMARKS,) if self.has_landmarks else ()))

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Returns logits (N, A) and, if wanted, CAMs (N, A, h, w) >= 0 on their raw scale.

        Then, if wanted, landmarks (N, 68, 2), px in crop space: continuous, 0 to S.
        """
        net, maps = self.net, self.net.features(crops)
        if self.cam_method is None:
            found: tuple[Tensor, ...] = (net.head(net.pooling(maps)),)
        else:
            found = logits_and_cams(maps, net.head, net.pooling, method=self.cam_method)
        if not self.has_landmarks:
            return found
        across = net.landmarks_of(net.pooling(maps))  # [-1, 1]
        return (*found, (across + 1) * (crops.shape[1] / 2))
