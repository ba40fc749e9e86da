"""The weights of an exported ONNX file, to train on with: `fit --start-from NAME.onnx`.

The export folds every batch norm into the convolution before it and widens some depthwise layers
with zeros (`alignment.py`). `weights_of_file` takes both back: each batch norm computes what the
folded bias did. `restore_statistics` then gives the norms the means and variances that training
needs, again without changing what the network computes. Called by `fitting.start_from`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import Tensor, nn

from rtau.errors import ConfigError, SourceOpenError
from rtau_train.models.facenet import FaceNet

# Enough pictures that the variances of single channels are known within a few percent.
STATISTICS_BATCHES = 16
_PREFIX = "net."
# The product of the layers that make landmarks and add them to the logits.
_DIRECT = ("direct_weight", "direct_bias")
_LINEAR = ("head.hidden", "head.out", "landmarks", "pose")


def weights_of_file(file: bytes, net: FaceNet, /, *, origin: Path) -> dict[str, Tensor]:
    """Returns the state dict of `net` with what an ONNX file of the same network holds.

    Layers that the file has not keep the values of `net`: it gives labels beyond the file's rows of
    their own.

    Args:
        file: NAME.onnx as `rtau-export onnx` wrote it, in float32, with its contract read already.
        net: the network as the recipe builds it; is not changed.
        origin: names the file in errors.

    Raises:
        SourceOpenError: the file cannot be read as ONNX.
        ConfigError: a layer is missing or of another shape.
    """
    held = _initializers(file, origin)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    norms = {
        name: layer for name, layer in net.named_modules() if isinstance(layer, nn.BatchNorm2d)
    }
    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d):
            weight, bias = _convolution(held, name, layer, path=origin)
            state[f"{name}.weight"] = weight
            norm = _following(name)
            if norm not in norms:
                raise ConfigError(f"{origin}: {name} has no batch norm to take its offset")
            state[f"{norm}.weight"] = torch.ones_like(bias)
            state[f"{norm}.bias"] = bias
            state[f"{norm}.running_mean"] = torch.zeros_like(bias)
            state[f"{norm}.running_var"] = torch.full_like(bias, 1 - norms[norm].eps)
    for name in _LINEAR:
        for part in ("weight", "bias"):
            key = f"{name}.{part}"
            if key in state and key in held:
                state[key] = _rows(held[key], like=state[key], name=key, path=origin)
    return state | _geometry(held, state, origin)


def _geometry(held: dict[str, Tensor], state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Returns the layer from landmarks to logits, of the product with the layer before it.

    The 136 rows of that layer are independent, so the product has one factor only.
    """
    if _DIRECT[0] not in held:
        return {}
    if "geometry.weight" not in state:
        raise ConfigError(
            f"{path}: its landmarks add to its logits; set network.geometry = true in the recipe"
        )
    product, offset = (held[name].double() for name in _DIRECT)
    landmarks, bias = (held[f"landmarks.{part}"].double() for part in ("weight", "bias"))
    factor = product @ torch.linalg.pinv(landmarks)
    found = {"geometry.weight": factor, "geometry.bias": offset - factor @ bias}
    return {
        name: _rows(value.float(), like=state[name], name=name, path=path)
        for name, value in found.items()
    }


@torch.no_grad()
def restore_statistics(net: FaceNet, crops: Iterable[Tensor], /) -> None:
    """Gives the batch norms the statistics of some crops; the network computes the same function.

    A norm with mean 0 and variance 1 is right while it is evaluated and wrong as soon as training
    follows the batch. Here mean and variance become those of what the layer sees, and gain and
    offset change so that the result stays.

    Args:
        net: with the weights of `weights_of_file`.
        crops: batches uint8 (N, S, S, 3), of which the first `STATISTICS_BATCHES` are read.
    """
    seen: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].double()
            moments = values.mean(dim=(0, 2, 3)), (values**2).mean(dim=(0, 2, 3))
            seen.setdefault(name, []).append(moments)

        return norms[name].register_forward_pre_hook(note)

    norms = {
        name: layer for name, layer in net.named_modules() if isinstance(layer, nn.BatchNorm2d)
    }
    was_training = net.training
    net.eval()
    handles = [watch(name) for name in norms]
    for batch in itertools.islice(crops, STATISTICS_BATCHES):
        net(batch)
    for handle in handles:
        handle.remove()
    for name, layer in norms.items():
        means, squares = (torch.stack(part).mean(0) for part in zip(*seen[name], strict=True))
        _shift_statistics(layer, means, squares - means**2)
    net.train(was_training)


def _shift_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    old_scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    old_offset = norm.bias.double() - old_scale * norm.running_mean.double()
    deviation = (variance.clamp(min=0) + norm.eps).sqrt()
    norm.weight.copy_(old_scale * deviation)
    norm.bias.copy_(old_offset + old_scale * mean)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance.clamp(min=0))


def _initializers(file: bytes, origin: Path) -> dict[str, Tensor]:
    try:
        graph = onnx.load_from_string(file).graph
    except DecodeError:
        raise SourceOpenError(f"{origin}: is not an ONNX file") from None
    held = {}
    for entry in graph.initializer:
        is_weight = entry.name.startswith(_PREFIX) or entry.name in _DIRECT
        if is_weight and entry.data_type == onnx.TensorProto.FLOAT:
            values = np.array(numpy_helper.to_array(entry), np.float32)
            held[entry.name.removeprefix(_PREFIX)] = torch.from_numpy(values)
    return held


def _convolution(
    held: dict[str, Tensor], name: str, layer: nn.Conv2d, *, path: Path
) -> tuple[Tensor, Tensor]:
    """Returns a convolution's weight and folded offset, without channels added as zeros."""
    try:
        weight, bias = held[f"{name}.weight"], held[f"{name}.weight_bias"]
    except KeyError:
        raise ConfigError(
            f"{path}: has no float32 weights of {name}; name the float32 file of the recipe's "
            "network, as `rtau-export onnx` wrote it"
        ) from None
    wanted = layer.weight.shape
    weight, bias = weight[: wanted[0], : wanted[1]], bias[: wanted[0]]
    if weight.shape != wanted:
        raise ConfigError(
            f"{path}: {name} must have the shape {tuple(wanted)}, got {tuple(weight.shape)}"
        )
    return weight.clone(), bias.clone()


def _following(name: str) -> str:
    before, _, place = name.rpartition(".")
    return f"{before}.{int(place) + 1}"


def _rows(values: Tensor, *, like: Tensor, name: str, path: Path) -> Tensor:
    """Returns `like` with its first rows replaced by a file's."""
    if values.shape[1:] != like.shape[1:] or len(values) > len(like):
        raise ConfigError(
            f"{path}: {name} must have at most the shape {tuple(like.shape)}, got "
            f"{tuple(values.shape)}"
        )
    joined = like.clone()
    joined[: len(values)] = values
    return joined
