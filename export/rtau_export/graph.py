"""The exported module: uint8 crops in; logits, CAMs, landmarks, pose out.

Of ordinary operators only. Normalisation and heatmaps live inside, so the runtime has no number to
get wrong and needs no backward pass. Called by `rtau_export.onnx`.
"""

from __future__ import annotations

from torch import Tensor, nn

from rtau.backends.tensors import CAMS, LANDMARKS, LOGITS, POSE
from rtau.contract import CamMethod
from rtau_train.models.cam import logits_and_cams, logits_and_slopes
from rtau_train.models.facenet import Direct, FaceNet


class FaceGraph(nn.Module):
    """A network as the runtime sees it: crops uint8 (N, S, S, 3), RGB, to its outputs."""

    direct_weight: Tensor | None
    direct_bias: Tensor

    def __init__(
        self,
        net: FaceNet,
        *,
        cam_method: CamMethod | None,
        landmarks: bool = False,
        pose: bool = False,
    ) -> None:
        """Takes a network in eval mode and what to compute beside the logits.

        Args:
            net: the network.
            cam_method: the kind of heatmap, None for none.
            landmarks: whether its 68 landmarks are returned.
            pose: whether pitch and yaw are.

        Raises:
            ValueError: the network is in training mode: dropout and batch statistics would be
                exported; or an output is wanted of a network without its layer.
        """
        super().__init__()
        if net.training:
            raise ValueError("net must be in eval mode, got training mode; call net.eval()")
        wanted = {LANDMARKS: landmarks, POSE: pose}
        layers = {LANDMARKS: net.landmarks, POSE: net.pose}
        for name, is_wanted in wanted.items():
            if is_wanted and layers[name] is None:
                raise ValueError(f"net must have a layer of {name}, got one without")
        self.net = net
        self._linear = tuple(name for name, is_wanted in wanted.items() if is_wanted)
        self.cam_method: CamMethod | None = cam_method
        # One product of two layers, computed here: the file holds its result.
        direct = net.direct()
        self.register_buffer("direct_weight", None if direct is None else direct[0].detach())
        self.register_buffer("direct_bias", None if direct is None else direct[1].detach())
        self.eval()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what `forward` returns, in order."""
        cams = () if self.cam_method is None else (CAMS,)
        return (LOGITS, *cams, *self._linear)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Returns logits (N, A) and, if wanted, CAMs (N, A, h, w) >= 0 on their raw scale.

        Then, if wanted, landmarks (N, 68, 2), px in crop space: continuous, 0 to S; pitch and yaw
        (N, 2), radians.
        """
        net, maps = self.net, self.net.features(crops)
        pooled = net.pooling(maps)
        if self.cam_method is None:
            found: tuple[Tensor, ...] = (
                logits_and_slopes(pooled, net.head, direct=self._direct)[0],
            )
        else:
            found = logits_and_cams(
                maps, net.head, net.pooling, direct=self._direct, method=self.cam_method
            )
        return (*found, *(self._read(name, pooled, crops.shape[1]) for name in self._linear))

    @property
    def _direct(self) -> Direct | None:
        return None if self.direct_weight is None else (self.direct_weight, self.direct_bias)

    def _read(self, name: str, pooled: Tensor, size: int) -> Tensor:
        if name == LANDMARKS:
            return (self.net.landmarks_of(pooled) + 1) * (size / 2)  # from [-1, 1]
        assert self.net.pose is not None, "checked when the graph was made"
        values: Tensor = self.net.pose(pooled)
        return values
