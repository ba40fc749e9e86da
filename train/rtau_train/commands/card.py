"""The verb `rtau-train cardtest`: measures a model file and writes its card.

Parses, hands over and says what it is at on stderr; the files' names go to stdout. Called by
`rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from rtau.backends import find_model
from rtau.errors import UsageError
from rtau_train import records
from rtau_train.card.document import card_text
from rtau_train.card.measure import Given, measure
from rtau_train.commands._data_flags import add_data, read_run
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.models.checkpoint import Model
from rtau_train.whole_file import write_whole


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser("cardtest", help="measure an exported model and write its card")
    verb.add_argument("model", metavar="ONNX", help="the file that is shipped")
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
    add_data(verb)
    verb.add_argument(
        "--renders",
        type=Path,
        metavar="DIR",
        help="renders of `synth` that no run on the way was trained on (default: the test part's)",
    )
    verb.add_argument(
        "--portraits",
        type=Path,
        metavar="DIR",
        help="portraits of `prepare portraits` that were not trained on (default: the test part's)",
    )
    verb.add_argument(
        "--london", type=Path, metavar="DIR", help="neutral and smiling photographs: London set"
    )
    verb.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="rendered clips NAME.mp4 with NAME.csv, the truth",
    )
    verb.add_argument("--out", type=Path, required=True, metavar="CARD.md")
    verb.add_argument(
        "--json", type=Path, metavar="FILE", help="every figure (default: RUN/NAME.card.json)"
    )
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Measures a model file and writes its card and its figures.

    Raises:
        RtauError: something that was given is wrong, cannot be read or cannot be run.
    """
    model_file = find_model(arguments.model)
    metrics_file = arguments.json or arguments.run_folder / f"{model_file.stem}.card.json"
    _check(model_file, arguments.out, metrics_file)
    console = Console(stderr=True, soft_wrap=True)
    model, splits = read_run(arguments)
    given = Given(
        model_file=model_file,
        run_folder=arguments.run_folder,
        model=model,
        splits=splits,
        folders=arguments.data,
        renders=_held_out(arguments.renders, model),
        portraits=_held_out(arguments.portraits, model),
        london=arguments.london,
        clips=arguments.clips,
        threads=arguments.threads,
    )
    metrics, contract = measure(
        given, tell=lambda text: console.print(text, markup=False, highlight=False)
    )
    records.write_json(metrics_file, metrics)
    write_whole(arguments.out, card_text(metrics, contract))
    print(metrics_file)
    print(arguments.out)


def _held_out(folder: Path | None, model: Model) -> LabelledCrops | None:
    return None if folder is None else read_folder(folder, labels=model.recipe.network.labels)


def _check(model_file: Path, *outputs: Path) -> None:
    """Raises UsageError for what would only fail after minutes of measuring."""
    if model_file.suffix != ".onnx":
        raise UsageError(f"{model_file}: a card is of a file NAME.onnx, got {model_file.suffix!r}")
    for path in outputs:
        if not path.parent.is_dir() or path.is_dir():
            raise UsageError(f"{path}: must be a file in a folder that exists")
