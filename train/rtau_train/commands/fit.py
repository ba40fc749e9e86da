"""The verbs that train: `rtau-train fit` and `find-lr`.

Parses, hands over and shows progress on stderr; under `torchrun` only the first process speaks.
Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops, joined
from rtau_train.fitting import find_rate, loop
from rtau_train.fitting.distributed import Worker, worker
from rtau_train.fitting.history import EpochDone
from rtau_train.recipe import Recipe, read_recipe


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
        help="begin with the weights of another run of this network: its folder or model.pt",
    )
    fit.set_defaults(run=_fit)
    find = verbs.add_parser("find-lr", help="try rising learning rates and suggest one")
    add_fitting(find)
    find.add_argument("--steps", type=int, default=100, metavar="N", help="batches to try")
    find.add_argument("--out", type=Path, default=Path("lr.csv"), metavar="CSV")
    find.set_defaults(run=_find_rate)


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


class ConsoleCallback(loop.Callback):
    """Shows a bar on a terminal and a line per epoch anywhere, on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self.bar.add_task("epoch", total=None)

    def step(self, done: int, total: int, /) -> None:
        """Moves the bar."""
        self.bar.update(self._task, completed=done, total=total)

    def epoch(self, done: EpochDone, /) -> None:
        """Prints a line."""
        self._console.print(
            f"epoch {done.epoch}/{done.epochs}: loss {done.loss:.4f}, validation loss "
            f"{done.validation_loss:.4f}, score {done.score:.3f}, {done.wall_s:.0f} s"
        )

    def note(self, text: str, /) -> None:
        """Prints a line."""
        self._console.print(f"note: {text}", markup=False)


def add_fitting(verb: argparse.ArgumentParser) -> None:
    """Adds what every verb needs that trains: recipe, data, changes, device and speed."""
    verb.add_argument("recipe", type=Path, metavar="RECIPE", help="a file of train/recipes/")
    add_data(verb)
    verb.add_argument(
        "--weights-dir", type=Path, metavar="DIR", help="folder of ImageNet weights (no download)"
    )
    verb.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a value of the recipe, `fit.epochs=3`; kept in the run's record",
    )
    for flag in ("weights", "unfreeze"):
        verb.add_argument(
            f"--{flag}", metavar="WHICH", help=f"short for --set network.{flag}=WHICH"
        )
    verb.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    verb.add_argument("--amp", action="store_true", help="mixed precision")
    verb.add_argument("--channels-last", action="store_true", help="memory layout, often faster")
    verb.add_argument(
        "--cutters", type=int, default=1, metavar="N", help="threads that cut crops (default 1)"
    )


def overrides(arguments: argparse.Namespace, /) -> tuple[str, ...]:
    """Returns what a command line changes in the recipe, as KEY=VALUE."""
    short = [
        f"network.{flag}={value}"
        for flag in ("weights", "unfreeze")
        if (value := getattr(arguments, flag)) is not None
    ]
    return (*arguments.overrides, *short)


def options(arguments: argparse.Namespace, here: Worker, /) -> loop.TrainingOptions:
    """Returns what a command line says to compute with."""
    return loop.TrainingOptions(
        worker=here,
        amp=arguments.amp,
        channels_last=arguments.channels_last,
        loader_workers=max(arguments.cutters, 1),
        weights_dir=arguments.weights_dir,
        overrides=overrides(arguments),
    )


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
                recipe_path=arguments.recipe.as_posix(),
                out=out,
                resume=arguments.resume,
                start_from=arguments.start_from,
                callback=callback,
                options=options(arguments, here),
            )
    if here.is_first:
        print(out / "model.pt")


def _find_rate(arguments: argparse.Namespace) -> None:
    recipe = read_recipe(arguments.recipe, overrides=overrides(arguments))
    data = read_data(arguments, recipe)
    with worker(arguments.device) as here:
        tried = find_rate.try_rates(
            recipe, data, steps=arguments.steps, options=options(arguments, here)
        )
    tried.write(arguments.out)
    told = f"{arguments.out}: loss by rate, {len(tried.rates)} rates"
    Console(stderr=True).print(told, markup=False)
    print(f"{tried.suggestion:.2g}")
