"""NASNet Mobile (NASNet-A 4 @ 1056, Zoph et al., CVPR 2018) as a body: pytorchcv's layers.

torchvision does not have it; pytorchcv (MIT) does, with ImageNet weights, and the keys of its file
are the keys of this body. Built by `rtau_train.models.build`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pytorchcv.models.common.model_store import get_model_file
from pytorchcv.models.nasnet import nasnet_4a1056
from torch import Tensor, nn

from rtau.errors import ConfigError
from rtau_train.models.facenet import Body
from rtau_train.models.pretrained import Pretrained, State, read_state

SIZE_STEP_PX = 32


def _from_pytorchcv(_source: Pretrained) -> State:
    """Returns the weights through pytorchcv's own download, which checks the whole SHA-1."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return read_state(Path(get_model_file("nasnet_4a1056", str(folder))))


class NasNetMobile(Body):
    """The convolutional part of pytorchcv's NASNet-A 4 @ 1056, up to its last ReLU."""

    channels = 1056
    plain_from_px = 224
    last_block = ("features.stage3.",)
    pretrained = Pretrained(
        "https://github.com/osmr/imgclsmob/releases/download/v0.0.495/"
        "nasnet_4a1056-0803-44f5ecbe.pth.zip",
        "44f5ecbe03da2cd21803c555366121e29b207907",
        algorithm="sha1",
        classifier=("output.",),
        download=_from_pytorchcv,
    )

    def __init__(self) -> None:
        super().__init__()
        self.features = nasnet_4a1056().features
        # The head pools; pytorchcv's pool would fix the size of the crops to 224 px.
        self.features.final_pool = nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns (N, 1056, h, w); h = S / 32.

        Raises:
            ConfigError: S is no multiple of 32; the cells' branches would then differ in size.
        """
        if pictures.shape[2] % SIZE_STEP_PX:
            raise ConfigError(
                f"network.input_size must be a multiple of {SIZE_STEP_PX} px for nasnet_mobile, "
                f"got {pictures.shape[2]}"
            )
        maps: Tensor = self.features(pictures)
        return maps

    def set_dense(self, dense: bool, /) -> None:
        """Does nothing: the cells' poolings cannot be dilated in ONNX.

        Crops under `plain_from_px` give coarser maps, which export refuses.
        """


def nasnet_mobile() -> NasNetMobile:
    """Returns the body with random weights."""
    return NasNetMobile()
