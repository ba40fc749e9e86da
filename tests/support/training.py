"""A small recipe and the rendered faces, for the tests of training and export."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.preparation import Preparation
from rtau_train.datasets.splits import DataSplits, splits_of
from rtau_train.fitting.lab_record import LabRecord
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
    small = {"epochs": 3, "dense_epochs": 1, "batch": 32, **fit}
    return dataclasses.replace(
        recipe,
        network=dataclasses.replace(recipe.network, input_size=48),
        split=dataclasses.replace(recipe.split, validation=0.2, test=0.2),
        fit=dataclasses.replace(recipe.fit, **small),
    )


def faces() -> LabelledCrops:
    return read_folder(FACES, labels=shipped_recipe().network.labels)


def splits() -> DataSplits:
    """The faces as a run of the small recipe parts them."""
    return splits_of(faces(), small_recipe())


def make_prepared(folder, *, dataset, people):
    """Writes the committed renders as if they were a prepared data set with some people."""
    shutil.copytree(FACES, folder)
    table = (folder / "labels.csv").read_text().splitlines()
    rows = [f"{row},P{index % people}" for index, row in enumerate(table[1:])]
    (folder / "labels.csv").write_text("\n".join([table[0] + ",subject", *rows]) + "\n")
    made = Preparation(
        dataset=dataset,
        task="multi_label",
        labels=shipped_recipe().network.labels,
        size_px=128,
        crop=shipped_recipe().shipping.haar_crop,
        images=len(rows),
        rejected=0,
        rtau_version="0",
        source="renders",
    )
    (folder / "prepared.json").write_text(made.to_json())
    return folder


def lab_record(**changes: Any) -> LabRecord:
    """Returns the record of a run that nobody made; keywords replace fields."""
    values = {
        "recipe": "train/recipes/shufflenetv2-synth.toml",
        "overrides": (),
        "commit": "none",
        "machine": "none",
        "versions": (),
        "device": "cpu",
        "processes": 1,
        "amp": False,
        "dataset": "renders",
        "train_rows": 0,
        "validation_rows": 0,
        "test_rows": 0,
        "shared_subjects": 0,
    }
    return LabRecord(**{**values, **changes})
