"""The networks: a literal table from a recipe's name to the file that builds the body.

A body turns a normalised picture into feature maps; the head on top is the same for all
(`rtau_train.models.facenet`). Called by the loop, by checkpoints and through them by export.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rtau.errors import ConfigError
from rtau_train.models.facenet import Body, FaceNet
from rtau_train.models.shufflenetv2 import shufflenetv2_x1_0
from rtau_train.recipe import Network

NETWORKS: Mapping[str, Callable[[], Body]] = {
    "shufflenetv2_x1_0": shufflenetv2_x1_0,
}


def build(network: Network) -> FaceNet:
    """Returns the network of a recipe with random weights from torch's global generator.

    Raises:
        ConfigError: no network has that name.
    """
    if network.name not in NETWORKS:
        raise ConfigError(
            f"network.name must be one of {', '.join(NETWORKS)}, got {network.name!r}"
        )
    return FaceNet(NETWORKS[network.name](), network)
