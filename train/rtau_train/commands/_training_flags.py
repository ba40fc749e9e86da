"""The flags of every verb that trains by a recipe, and what they mean.

Called by `fit`, `find-lr` and `curve`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rtau_train.commands._data_flags import add_data
from rtau_train.fitting.distributed import Worker
from rtau_train.fitting.training_options import TrainingOptions


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


def training_options(arguments: argparse.Namespace, here: Worker, /) -> TrainingOptions:
    """Returns what a command line says to compute with."""
    return TrainingOptions(
        worker=here,
        amp=arguments.amp,
        channels_last=arguments.channels_last,
        loader_workers=max(arguments.cutters, 1),
        weights_dir=arguments.weights_dir,
        overrides=overrides(arguments),
    )
