"""Makes files of networks with random weights: as fast as trained ones, and worth nothing else.

What ships as a recipe and not as a file, VGG19, is timed with it. Needs torch and onnx.
"""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.precision_speed import reduced
from rtau.contract import CamMethod
from rtau_export.graph import FaceGraph
from rtau_export.onnx import contract_of, model_bytes
from rtau_train.checkpoint import Model
from rtau_train.models import build
from rtau_train.models.folding import folded
from rtau_train.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parent.parent / "train" / "recipes"


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
        cam_plus_plus_scale=(1.0,) * labels,
    )


def write_float32(model: Model, path: Path, /, *, cam_method: CamMethod | None) -> Path:
    """Returns the path of a checkpoint's ONNX file, written without the proof of equality."""
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


def write_int8(recipe_name: str, folder: Path) -> Path:
    """Returns the file of a recipe's network for a CPU: INT8, Grad-CAM inside, as it would ship."""
    model = untrained(read_recipe(RECIPES / f"{recipe_name}.toml"))
    whole = folder / f"{recipe_name}-random-weights.onnx"
    return reduced(write_float32(model, whole, cam_method="gradcam"), folder)
