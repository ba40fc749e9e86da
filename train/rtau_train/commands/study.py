"""The verb `rtau-train study`: every experiment of a paper, then its report.

Parses, hands over and shows progress on stderr. Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import typing
from pathlib import Path

import torch
from rich.console import Console

from rtau.errors import RtauError, UsageError
from rtau.sources import expand_images
from rtau_train.commands._console_callback import ConsoleCallback
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.fitting.distributed import worker
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.recipe import Protocol
from rtau_train.records import portable
from rtau_train.study.conduct import Failed, Setting, conduct
from rtau_train.study.plan import Planned, Reduction, StudyName, planned, read_reduction

# Where a clone keeps them; a wheel has none.
RECIPES = Path(__file__).parents[2] / "recipes"


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `study`."""
    verb = verbs.add_parser("study", help="run every experiment of a paper and write its report")
    verb.add_argument("study", choices=typing.get_args(StudyName))
    verb.add_argument(
        "--data",
        required=True,
        action="append",
        metavar="NAME=DIR",
        help="folder of `rtau-train prepare`; NAME is disfa+ or dem, fer2013 or ckplus",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="runs and report")
    verb.add_argument(
        "--reduce", type=Path, metavar="TOML", help="changes for a smaller run; the report says so"
    )
    verb.add_argument(
        "--protocols",
        default="image,subject",
        metavar="NAMES",
        help="of paper1: image, its own; subject, nobody on both sides (default both)",
    )
    verb.add_argument(
        "--pictures",
        type=Path,
        nargs="+",
        default=[],
        metavar="IMAGE",
        help="of paper2: image files, or folders of them, with faces from outside the data sets; "
        "the report shows what is said of them",
    )
    verb.add_argument("--recipes", type=Path, default=RECIPES, metavar="DIR")
    verb.add_argument("--weights-dir", type=Path, metavar="DIR", help="folder of ImageNet weights")
    verb.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    verb.add_argument("--amp", action="store_true", help="mixed precision")
    verb.add_argument("--channels-last", action="store_true", help="memory layout, often faster")
    verb.add_argument("--cutters", type=int, default=1, metavar="N", help="threads that cut crops")
    verb.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    pictures = tuple(expand_images(arguments.pictures).files) if arguments.pictures else ()
    if pictures and arguments.study != "paper2":
        raise UsageError("--pictures are shown in the report of paper2 only; leave them out")
    folders = _folders(arguments.data)
    reduction = Reduction() if arguments.reduce is None else read_reduction(arguments.reduce)
    experiments = planned(
        arguments.study,
        tuple(folders),
        recipes=arguments.recipes,
        reduction=reduction,
        protocols=_protocols(arguments.protocols),
    )
    data = {name: _read(name, path, experiments) for name, path in folders.items()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    console = Console(stderr=True)
    callback = ConsoleCallback(console)
    with worker(arguments.device) as here, callback.bar:
        options = TrainingOptions(
            worker=here,
            amp=arguments.amp,
            channels_last=arguments.channels_last,
            loader_workers=max(arguments.cutters, 1),
            weights_dir=arguments.weights_dir,
        )
        setting = Setting(
            study=arguments.study,
            out=arguments.out,
            data=data,
            options=options,
            reduction=reduction,
            pictures=pictures,
            command=shlex.join(["rtau-train", *map(_portable_word, sys.argv[1:])]),
        )
        page, failed = conduct(
            setting,
            experiments,
            callback=callback,
            say=lambda line: console.print(line, markup=False, highlight=False),
        )
    print(page)
    _raise_for(failed, len(experiments))


def _portable_word(word: str) -> str:
    """Returns a word of the command line, without the way to a folder of this machine."""
    name, equals, value = word.rpartition("=")
    return f"{name}{equals}{portable(Path(value))}" if Path(value).is_absolute() else word


def _folders(pairs: list[str]) -> dict[str, Path]:
    folders = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not equals or not path or name in folders:
            raise UsageError(f"--data must be NAME=DIR, each name once, got {pair!r}")
        folders[name] = Path(path)
    return folders


def _protocols(text: str) -> tuple[Protocol, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not names or not set(names) <= {"image", "subject"} or len(set(names)) < len(names):
        raise UsageError(f"--protocols must name image, subject or both, got {text!r}")
    return typing.cast(tuple[Protocol, ...], names)


def _read(name: str, path: Path, experiments: tuple[Planned, ...]) -> LabelledCrops:
    network = next(one.recipe.network for one in experiments if one.dataset == name)
    return read_folder(path, labels=network.labels, task=network.task)


def _raise_for(failed: tuple[Failed, ...], count: int) -> None:
    if failed:
        named = "; ".join(f"{one.key}: {one.reason}" for one in failed)
        raise RtauError(
            f"{len(failed)} of {count} experiments failed, the report is of the others: {named}"
        )
