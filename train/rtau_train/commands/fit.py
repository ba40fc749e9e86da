"""The verbs that train: `rtau-train fit` and `find-lr`.

Parses, hands over and shows progress on stderr; under `torchrun` only the first process speaks.
Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from rtau_train.commands._console_callback import ConsoleCallback
from rtau_train.commands._data_flags import read_data
from rtau_train.commands._training_flags import add_fitting, overrides, training_options
from rtau_train.fitting import find_rate, loop
from rtau_train.fitting.distributed import worker
from rtau_train.recipe import read_recipe
from rtau_train.records import portable


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `fit` and `find-lr`."""
    fit = verbs.add_parser("fit", help="train a network by a recipe")
    add_fitting(fit)
    fit.add_argument(
        "--out", type=Path, metavar="RUN", help="folder to write (default: runs/ and the recipe's)"
    )
    fit.add_argument("--resume", action="store_true", help="go on where RUN stopped")
    fit.add_argument(
        "--start-from",
        type=Path,
        metavar="OTHER",
        help="begin with the weights of another run of this network (its folder or model.pt) or of "
        "an exported file (NAME.onnx), also of fewer labels",
    )
    fit.set_defaults(run=_fit)
    find = verbs.add_parser("find-lr", help="try rising learning rates and suggest one")
    add_fitting(find)
    find.add_argument("--steps", type=int, default=100, metavar="N", help="batches to try")
    find.add_argument("--out", type=Path, default=Path("lr.csv"), metavar="CSV")
    find.set_defaults(run=_find_rate)


def _fit(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(arguments.recipe, overrides=overrides(arguments))
    data = read_data(arguments, recipe)
    out = arguments.out or Path("runs") / arguments.recipe.stem
    with worker(arguments.device) as here:
        callback = ConsoleCallback(Console(stderr=True, quiet=not here.is_first))
        with callback.bar:
            loop.fit(
                recipe,
                data,
                recipe_path=portable(arguments.recipe),
                out=out,
                resume=arguments.resume,
                start_from=arguments.start_from,
                callback=callback,
                options=training_options(arguments, here),
            )
    if here.is_first:
        print(out / "model.pt")


def _find_rate(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(arguments.recipe, overrides=overrides(arguments))
    data = read_data(arguments, recipe)
    with worker(arguments.device) as here:
        tried = find_rate.try_rates(
            recipe, data, steps=arguments.steps, options=training_options(arguments, here)
        )
    tried.write(arguments.out)
    told = f"{arguments.out}: loss by rate, {len(tried.rates)} rates"
    Console(stderr=True).print(told, markup=False)
    print(f"{tried.suggestion:.2g}")
