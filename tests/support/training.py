"""A small recipe and the rendered faces, for the tests of training and export."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rtau_train.data import RenderedCrops, read_folder
from rtau_train.recipe import Augment, Recipe, read_recipe

ROOT = Path(__file__).parents[2]
FACES = ROOT / "tests" / "data" / "synth-facs"
RECIPE = ROOT / "train" / "recipes" / "shufflenetv2-synth.toml"
NO_AUGMENT = Augment(**{field.name: 0.0 for field in dataclasses.fields(Augment)})


def shipped_recipe() -> Recipe:
    return read_recipe(RECIPE)


def small_recipe(**fit: float) -> Recipe:
    """The shipped recipe at 48 px for a run of seconds; keywords replace fields of `fit`."""
    recipe = shipped_recipe()
    small = {"epochs": 3, "dense_epochs": 1, "batch": 32, "threshold_share": 0.2, **fit}
    return dataclasses.replace(
        recipe,
        network=dataclasses.replace(recipe.network, input_size=48),
        fit=dataclasses.replace(recipe.fit, report_share=0.2, **small),
    )


def faces() -> RenderedCrops:
    return read_folder(FACES, labels=shipped_recipe().network.labels)
