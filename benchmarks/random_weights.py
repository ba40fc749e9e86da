"""Writes ONNX files of networks with random weights: as fast as trained ones, but not accurate.

For networks that are published as recipes and not as files. Needs torch and onnx.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch

from rtau.contract import CamMethod
from rtau_export.graph import FaceGraph
from rtau_export.onnx import contract_of, model_bytes
from rtau_train.models import build
from rtau_train.models.checkpoint import Model
from rtau_train.models.folding import folded
from rtau_train.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parent.parent / "train" / "recipes"
# The recipe whose head and labels a network gets that is named without one.
RECIPE = "shufflenetv2-synth"
SIZE_PX = 224


def untrained(recipe: Recipe, /) -> Model:
    """Returns a checkpoint of a recipe's network as it is before training."""
    torch.manual_seed(1)
    labels = len(recipe.network.labels)
    return Model(
        recipe=recipe,
        recipe_path="none",
        epochs_done=0,
        thresholds=(0.5,) * labels,
        cam_scale=(1.0,) * labels,
        weights=build(recipe.network).state_dict(),
        is_dense=recipe.fit.dense_epochs > 0,
        cam_plus_plus_scale=(1.0,) * labels,
    )


def untrained_recipe(name: str, /) -> Model:
    """Returns a checkpoint of the recipe of that name before training."""
    return untrained(read_recipe(RECIPES / f"{name}.toml"))


def untrained_network(name: str, /) -> Model:
    """Returns a checkpoint of a network before training, with the first paper's head."""
    recipe = read_recipe(RECIPES / f"{RECIPE}.toml")
    network = dataclasses.replace(recipe.network, name=name, input_size=SIZE_PX, landmarks=False)
    # Crops of this size have one form only.
    fit = dataclasses.replace(recipe.fit, landmark_weight=0.0, dense_epochs=0)
    return untrained(dataclasses.replace(recipe, network=network, fit=fit))


def write_float32(model: Model, path: Path, /, *, cam_method: CamMethod | None) -> Path:
    """Returns the path of a checkpoint's ONNX file, written without the parity check with torch."""
    contract = contract_of(
        model,
        name=path.stem,
        cam_method=cam_method,
        crop=model.recipe.shipping.haar_crop,
        landmarks=False,
    )
    graph = FaceGraph(folded(model.network()), cam_method=cam_method)
    path.write_bytes(model_bytes(graph, contract))
    return path
