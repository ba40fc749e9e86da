"""The command line of training: `rtau-train fit`, `evaluate`, `calibrate`, `card` and `synth`.

Parses, hands over and turns errors into one line and an exit code (0 done, 1 failed, 2 usage,
130 interrupted). Results go to stdout or files, progress to stderr.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rtau.errors import RtauError
from rtau_train import card, evaluate, loop
from rtau_train.checkpoint import load_model, save_model
from rtau_train.data import read_folder
from rtau_train.recipe import read_recipe
from rtau_train.synth import cli as synth

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code of one command."""
    arguments = build_parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except RtauError as error:
        print(f"rtau-train: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"rtau-train: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "rtau-train: interrupted; `fit --resume` and `synth` go on from here", file=sys.stderr
        )
        return INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="rtau-train", description="Train and judge the networks that rtau runs."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    fit = verbs.add_parser("fit", help="train a network by a recipe")
    fit.add_argument("recipe", type=Path, metavar="RECIPE", help="a file of train/recipes/")
    fit.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to write")
    fit.add_argument("--resume", action="store_true", help="go on where RUN stopped")
    fit.add_argument(
        "--weights-dir", type=Path, metavar="DIR", help="folder of ImageNet weights (no download)"
    )
    fit.set_defaults(run=_fit)
    judge = verbs.add_parser("evaluate", help="print the figures of a run on held-out data")
    judge.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
    judge.add_argument("--json", action="store_true", help="print JSON")
    judge.set_defaults(run=_evaluate)
    measure = verbs.add_parser("calibrate", help="choose thresholds and heatmap scales anew")
    measure.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
    measure.set_defaults(run=_calibrate)
    write = verbs.add_parser("card", help="write the model card of an exported run")
    write.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
    write.add_argument("--model", type=Path, required=True, metavar="ONNX")
    write.add_argument("--out", type=Path, required=True, metavar="CARD.md")
    write.set_defaults(run=_card)
    synth.add_verbs(verbs)
    for verb in (fit, judge, measure, write):
        verb.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="rendered-crops layout"
        )
        verb.add_argument(
            "--threads", type=int, default=0, metavar="N", help="CPU threads, 0 = torch's choice"
        )
    return parser


class _Console(loop.Watcher):
    """Shows a bar on a terminal and a line per epoch anywhere, on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.bar = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self.bar.add_task("epoch", total=None)

    def step(self, done: int, total: int, /) -> None:
        self.bar.update(self._task, completed=done, total=total)

    def epoch(self, done: loop.EpochDone, /) -> None:
        self._console.print(
            f"epoch {done.epoch}/{done.epochs}: loss {done.loss:.4f}, held-out mean AUC "
            f"{done.mean_auc:.3f}, {done.wall_s:.0f} s"
        )


def _fit(arguments: argparse.Namespace) -> None:
    _use_threads(arguments)
    recipe = read_recipe(arguments.recipe)
    data = read_folder(arguments.data, labels=recipe.network.labels)
    watcher = _Console(Console(stderr=True))
    with watcher.bar:
        loop.fit(
            recipe,
            data,
            recipe_path=arguments.recipe.as_posix(),
            out=arguments.out,
            resume=arguments.resume,
            watcher=watcher,
            weights_dir=arguments.weights_dir,
        )
    print(arguments.out / "model.pt")


def _evaluate(arguments: argparse.Namespace) -> None:
    _use_threads(arguments)
    model = load_model(arguments.run_folder)
    figures = evaluate.report(
        model, read_folder(arguments.data, labels=model.recipe.network.labels)
    )
    if arguments.json:
        print(json.dumps(dataclasses.asdict(figures), indent=2))
    else:
        print(card.figures_table(figures))


def _calibrate(arguments: argparse.Namespace) -> None:
    _use_threads(arguments)
    model = load_model(arguments.run_folder)
    data = read_folder(arguments.data, labels=model.recipe.network.labels)
    save_model(arguments.run_folder / "model.pt", evaluate.calibrated(model, data))
    print(arguments.run_folder / "model.pt")


def _card(arguments: argparse.Namespace) -> None:
    _use_threads(arguments)
    model = load_model(arguments.run_folder)
    figures = evaluate.report(
        model, read_folder(arguments.data, labels=model.recipe.network.labels)
    )
    text = card.model_card(model, figures, model_file=arguments.model)
    arguments.out.write_text(text, encoding="utf-8")
    print(arguments.out)


def _use_threads(arguments: argparse.Namespace) -> None:
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
