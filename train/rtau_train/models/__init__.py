"""The networks: a literal table from a recipe's name to the function that builds the body.

A body turns a normalised picture into feature maps; pooling and head on top are the same for all
(`rtau_train.models.facenet`). Called by the loop, by checkpoints and through them by export.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rtau.errors import BackendUnavailable, ConfigError, SourceOpenError
from rtau_train.models.facenet import Body, FaceNet
from rtau_train.models.pretrained import body_weights
from rtau_train.recipe import Network

# Name in a recipe -> (module of this package, function that returns the body).
NETWORKS: Mapping[str, tuple[str, str]] = {
    "vgg19": ("vgg19", "vgg19"),
    "vgg19_bn": ("vgg19", "vgg19_bn"),
    "vgg19_bn_shallow": ("vgg19", "vgg19_bn_shallow"),
    "resnet101": ("resnet", "resnet101"),
    "nasnet_mobile": ("nasnet_mobile", "nasnet_mobile"),
    "mobilenetv2": ("mobilenetv2", "mobilenetv2"),
    "efficientnet_b0": ("efficientnet_b0", "efficientnet_b0"),
    "shufflenetv2_x1_0": ("shufflenetv2", "shufflenetv2_x1_0"),
    "resnet18": ("resnet", "resnet18"),
    "resnet34": ("resnet", "resnet34"),
    "resnet50": ("resnet", "resnet50"),
}


def build(network: Network) -> FaceNet:
    """Returns the network of a recipe with random weights from torch's global generator.

    Raises:
        ConfigError: no network has that name.
        BackendUnavailable: the library that provides the network is not installed.
    """
    return FaceNet(_body(network.name), network)


def start(network: Network, *, weights_dir: Path | None = None) -> FaceNet:
    """Returns the network as training begins: initial weights loaded, frozen parts frozen.

    Args:
        network: says by `weights` what to begin with and by `unfreeze` what to train.
        weights_dir: folder of downloaded weights files; None downloads what is wanted.

    Raises:
        ConfigError: no such network, or its ImageNet weights are missing or damaged.
        BackendUnavailable: the library that provides the network is not installed.
    """
    net = build(network)
    if network.weights == "imagenet":
        source = net.body.pretrained
        if source is None:
            raise ConfigError(
                f'network.weights must be "none" for {network.name}: nobody publishes ImageNet '
                "weights of it"
            )
        state = body_weights(source, weights_dir=weights_dir)
        try:
            net.body.load_state_dict(state)
        except RuntimeError as error:
            raise ConfigError(_not_its_weights(source.file_name, network, error)) from None
    net.freeze(network.unfreeze)
    return net


def check_weights(weights: Any, network: Network, *, origin: Path) -> None:
    """Raises SourceOpenError unless these are the weights of a network, by name and shape.

    Computes nothing: the network to compare with is built on torch's device without memory.
    """
    with torch.device("meta"):
        net = build(network)
    try:
        net.load_state_dict(weights, assign=True)
    except (RuntimeError, TypeError) as error:
        raise SourceOpenError(_not_its_weights(origin, network, error)) from None


def _not_its_weights(origin: object, network: Network, error: Exception) -> str:
    return f"{origin}: not the weights of {network.name} ({' '.join(str(error).split())[:200]})"


def _body(name: str) -> Body:
    if name not in NETWORKS:
        raise ConfigError(f"network.name must be one of {', '.join(NETWORKS)}, got {name!r}")
    module, function = NETWORKS[name]
    try:
        found = importlib.import_module(f"rtau_train.models.{module}")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"{name} needs the Python module {error.name!r}, which is not installed; install it: "
            'pip install "rtau[train]"'
        ) from None
    body: Body = getattr(found, function)()
    return body
