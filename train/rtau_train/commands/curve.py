"""The verb `rtau-train curve`: how the score grows with the rows that are trained on.

Parses, hands over and prints. Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from rtau.errors import UsageError
from rtau_train.commands._console_callback import ConsoleCallback
from rtau_train.commands._data_flags import read_data
from rtau_train.commands._training_flags import add_fitting, overrides, training_options
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.fitting import learning_curve
from rtau_train.fitting.distributed import worker
from rtau_train.recipe import Recipe, read_recipe


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `curve`."""
    verb = verbs.add_parser("curve", help="fit a recipe on more and more rows: is data missing?")
    add_fitting(verb)
    verb.add_argument(
        "--rows", required=True, metavar="N,N,...", help="rows to train on, one fit for each"
    )
    verb.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="folder that is only measured on; repeated, several",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="runs and curve")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(arguments.recipe, overrides=overrides(arguments))
    if recipe.network.task != "multi_label":
        raise UsageError("a learning curve is the mean AUC of AUs; the recipe has emotions")
    counts = _counts(arguments.rows)
    data = read_data(arguments, recipe)
    _check_others(arguments.also, arguments.data)
    others = {path.resolve().name: _read(path, recipe) for path in arguments.also}
    arguments.out.mkdir(parents=True, exist_ok=True)
    with worker(arguments.device) as here:
        callback = ConsoleCallback(Console(stderr=True, quiet=not here.is_first))
        setting = learning_curve.Setting(
            recipe=recipe,
            recipe_path=arguments.recipe,
            data=data,
            others=others,
            out=arguments.out,
            options=training_options(arguments, here),
        )
        with callback.bar:
            points = learning_curve.learning_curve(setting, counts, callback=callback)
        if here.is_first:
            learning_curve.write_curve(setting, points)
            print(
                (arguments.out / learning_curve.MARKDOWN_NAME).read_text(encoding="utf-8"), end=""
            )


def _counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise UsageError(f"--rows must be whole numbers like 1000,4000,16000, got {text!r}")
    return [int(word) for word in words]


def _check_others(others: list[Path], data: list[Path]) -> None:
    names = [path.resolve().name for path in others]
    if len(set(names)) < len(names):
        raise UsageError(f"--also must name folders of different names, got {', '.join(names)}")
    trained_on = {path.resolve() for path in data}
    if shared := [path for path in others if path.resolve() in trained_on]:
        raise UsageError(
            f"--also is measured on only, but {shared[0]} is among --data; leave it out there"
        )


def _read(path: Path, recipe: Recipe) -> LabelledCrops:
    return read_folder(path, labels=recipe.network.labels, task=recipe.network.task)
