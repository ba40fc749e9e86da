"""A checkpoint read back from an exported file: the same function, in torch again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rtau.contract import read_sidecar
from rtau_train.models import build
from rtau_train.models.checkpoint import Model
from rtau_train.models.engine_weights import weights_of_file
from rtau_train.recipe import Recipe


def checkpoint_of(path: Path, recipe: Recipe) -> Model:
    """Returns a checkpoint whose network computes what the file computes."""
    contract = read_sidecar(path)
    network = dataclasses.replace(
        recipe.network, labels=contract.labels, geometry=True, pose=contract.has_pose
    )
    return Model(
        recipe=dataclasses.replace(recipe, network=network),
        recipe_path=contract.recipe,
        epochs_done=0,
        thresholds=contract.thresholds,
        cam_scale=contract.cam_scale or (1.0,) * len(contract.labels),
        weights=weights_of_file(path.read_bytes(), build(network), origin=path),
        is_dense=True,
        intensity_scale=contract.intensity_scale,
    )
