"""Makes files of networks with random weights: as fast as trained ones, and worth nothing else.

What ships as a recipe and not as a file, VGG19, is timed with it. Needs torch and onnx.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import onnx
import torch

from rtau_export import int8
from rtau_export.calibration import read_calibration
from rtau_export.graph import FaceGraph
from rtau_export.onnx import contract_of, model_bytes
from rtau_export.onnx_file import read_onnx
from rtau_export.onnx_proto import stamped
from rtau_train.checkpoint import Model
from rtau_train.models import build
from rtau_train.models.folding import folded
from rtau_train.recipe import read_recipe

ROOT = Path(__file__).parent.parent
FACES = ROOT / "tests" / "data" / "synth-facs" / "crops"
# Enough to set ranges; speed does not depend on them.
FITTING = 16


def untrained(recipe_name: str) -> Model:
    """Returns a checkpoint of a recipe's network as it is before training."""
    recipe = read_recipe(ROOT / "train" / "recipes" / f"{recipe_name}.toml")
    torch.manual_seed(1)
    labels = len(recipe.network.labels)
    return Model(
        recipe=recipe,
        recipe_path="none",
        epochs_done=0,
        thresholds=(0.5,) * labels,
        cam_scale=(1.0,) * labels,
        weights=build(recipe.network).state_dict(),
    )


def write_int8(recipe_name: str, folder: Path) -> Path:
    """Returns the file of a recipe's network for a CPU: INT8, Grad-CAM inside, as it would ship."""
    model = untrained(recipe_name)
    contract = contract_of(
        model,
        name=f"{recipe_name}-random-weights",
        cam_method="gradcam",
        crop=model.recipe.shipping.haar_crop,
        landmarks=False,
    )
    graph = FaceGraph(folded(model.network()), cam_method="gradcam")
    whole = folder / f"{contract.name}.onnx"
    whole.write_bytes(model_bytes(graph, contract))
    return reduced(whole, folder)


def reduced(source: Path, folder: Path) -> Path:
    """Returns the INT8 file for a CPU that is made of a float32 one."""
    file = read_onnx(source)
    faces = read_calibration(FACES, size=file.contract.input_size).fitting[:FITTING]
    proto = onnx.load_from_string(file.content)
    path = folder / f"{source.stem}-int8.onnx"
    contract = dataclasses.replace(
        file.contract, name=path.stem, precision="int8", int8_profile="cpu"
    )
    small = int8.quantise(proto, faces, profile="cpu", ranges="minmax")
    path.write_bytes(stamped(small, contract))
    return path
