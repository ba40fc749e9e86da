"""The flags that name data and runs, and what they name, read.

Called by every verb that trains or evaluates.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops, joined
from rtau_train.datasets.splits import DataSplits, saved_splits
from rtau_train.models.checkpoint import Model, load_model
from rtau_train.recipe import Recipe


def add_data(verb: argparse.ArgumentParser) -> None:
    """Adds what every verb needs that looks at data: `--data` and `--threads`."""
    verb.add_argument(
        "--data",
        type=Path,
        required=True,
        action="append",
        metavar="DIR",
        help="folder of `rtau-train prepare` or `synth`; repeated, the folders are joined",
    )
    verb.add_argument(
        "--threads", type=int, default=0, metavar="N", help="CPU threads, 0 = torch's choice"
    )


def read_data(arguments: argparse.Namespace, recipe: Recipe, /) -> LabelledCrops:
    """Returns the data a command names, labelled as the recipe asks; sets torch's threads."""
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    labels, task = recipe.network.labels, recipe.network.task
    return joined([read_folder(path, labels=labels, task=task) for path in arguments.data])


def read_run(arguments: argparse.Namespace, /) -> tuple[Model, DataSplits]:
    """Returns the model of a run and the parts of the data it was made with."""
    model = load_model(arguments.run_folder)
    data = read_data(arguments, model.recipe)
    return model, saved_splits(arguments.run_folder, data, model.recipe)
