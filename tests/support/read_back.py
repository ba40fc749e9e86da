"""A checkpoint read back from an exported file: the same function of the pictures, in torch again.

The exporter folds every batch norm into the convolution before it; here the convolution takes the
folded weights, and the batch norm adds the folded bias and nothing else. It also widens some
convolutions by channels of zeros, which are left out again.
"""

from __future__ import annotations

import dataclasses

import onnx
import torch
from onnx import numpy_helper

from rtau.contract import METADATA_KEY, ModelContract
from rtau_train.models import build
from rtau_train.models.checkpoint import Model
from rtau_train.recipe import Recipe


def checkpoint_of(proto: onnx.ModelProto, recipe: Recipe) -> Model:
    """Returns a checkpoint whose network computes what the file computes."""
    stored = {
        value.name: torch.tensor(numpy_helper.to_array(value)) for value in proto.graph.initializer
    }
    (text,) = (entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY)
    contract = ModelContract.from_json(text, origin="the file")
    network = dataclasses.replace(recipe.network, landmarks=False)
    fit = dataclasses.replace(recipe.fit, landmark_weight=0.0)
    net = build(network)
    weights = dict(net.state_dict())
    for conv in (node for node in proto.graph.node if node.op_type == "Conv"):
        _unfold(
            net,
            weights,
            conv.input[1].removeprefix("net."),
            [stored[name] for name in conv.input[1:3]],
        )
    for name in weights:
        if name.startswith("head."):
            weights[name] = stored[f"net.{name}"]
    return Model(
        recipe=dataclasses.replace(recipe, network=network, fit=fit),
        recipe_path=contract.recipe,
        epochs_done=0,
        thresholds=contract.thresholds,
        cam_scale=contract.cam_scale or (1.0,) * len(contract.labels),
        weights=weights,
        is_dense=True,
    )


def _unfold(net, weights, name, folded):
    """Puts one convolution's folded weights and bias where the network has them apart."""
    path = name.removesuffix(".weight")
    shape = net.get_submodule(path).weight.shape
    weights[name] = _without_zeros(folded[0], shape)
    bias = _without_zeros(folded[1], shape[:1])
    if f"{path}.bias" in weights:
        weights[f"{path}.bias"] = bias
        return
    parent, _, place = path.rpartition(".")
    norm = f"{parent}.{int(place) + 1}"
    layer = net.get_submodule(norm)
    assert isinstance(layer, torch.nn.BatchNorm2d), norm
    channels = layer.num_features
    weights[f"{norm}.weight"] = torch.full((channels,), (1 + layer.eps) ** 0.5)
    weights[f"{norm}.bias"] = bias
    weights[f"{norm}.running_mean"] = torch.zeros(channels)
    weights[f"{norm}.running_var"] = torch.ones(channels)


def _without_zeros(values, shape):
    """Returns the first values of each dimension; the others must be zero."""
    kept = values[tuple(map(slice, shape))]
    assert kept.shape == shape
    assert torch.count_nonzero(kept) == torch.count_nonzero(values)
    return kept.clone()
