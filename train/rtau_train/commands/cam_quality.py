"""The verb `rtau-train camquality`: how well a run's heatmaps point, as a table or JSON.

Parses, hands over and prints; only faces of the run's test part are measured. Called by
`rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rtau.errors import UsageError
from rtau.facs import words_for_label
from rtau_train.commands._data_flags import add_data, read_run
from rtau_train.evaluation.binary_metrics import known_mean
from rtau_train.evaluation.run_metrics import CamMetrics
from rtau_train.explaining.cam_quality import GRID_PX, METHODS, TOLERANCE_PX, cam_metrics, faces_of
from rtau_train.explaining.panels import METHOD_NAMES


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser("camquality", help="measure how well a run's heatmaps point at AUs")
    verb.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
    verb.add_argument("--faces", type=int, metavar="N", help="at most N test faces, evenly spread")
    verb.add_argument("--json", action="store_true", help="print JSON")
    add_data(verb)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Prints the figures of a run's test faces.

    Raises:
        UsageError: --faces is below 1, or the model or the data have nothing to judge by.
    """
    if arguments.faces is not None and arguments.faces < 1:
        raise UsageError(f"--faces must be at least 1, got {arguments.faces}")
    model, splits = read_run(arguments)
    rows = splits.split.test
    if arguments.faces is not None and arguments.faces < len(rows):
        rows = rows[np.linspace(0, len(rows) - 1, arguments.faces).round().astype(int)]
    console = Console(stderr=True)
    columns = (
        TextColumn("heatmaps"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=int(splits.data.occurs[rows].any(axis=1).sum()))
        metrics = cam_metrics(
            model.network(),
            faces_of(model, splits.data, rows),
            labels=model.recipe.network.labels,
            progress=lambda count: bar.advance(task, count),
        )
    if arguments.json:
        print(json.dumps([_plain(one) for one in metrics], indent=2))
    else:
        print(table(metrics))


def table(metrics: Sequence[CamMetrics], /) -> str:
    """Returns figures as Markdown: a row per label, three columns per method, lifts in brackets."""
    names = [METHOD_NAMES[method] for method in METHODS]
    heads = [f"{name} hits | {name} heat inside | no heat" for name in names]
    head = [f"| AU | | faces | chance | {' | '.join(heads)} |", "|---|---" + "|---" * 8 + "|"]
    of = {(one.label, one.method): one for one in metrics}
    labels = list(dict.fromkeys(one.label for one in metrics))
    rows = [_row(label, [of[label, method] for method in METHODS]) for label in labels]
    means = " | ".join(_mean_cells([of[label, method] for label in labels]) for method in METHODS)
    source = "each face's landmarks" if metrics[0].regions == "landmarks" else "the mean face"
    told = (
        f"Regions on {source}. Hits: faces whose highest heat lies in the AU's region or within "
        f"{TOLERANCE_PX / GRID_PX:.1%} of the crop's side. Heat inside: mean share of the heat in "
        "the region. In brackets: over what chance gives. No heat: faces left out."
    )
    return "\n".join([*head, *rows, f"| **mean** | | | | {means} |", "", told])


def _row(label: str, metrics: Sequence[CamMetrics]) -> str:
    first = metrics[0]
    chance = _number(known_mean([one.chance for one in metrics]))
    cells = [
        f"{_number(one.hit_rate)} ({_number(one.hit_lift, 1)}) "
        f"| {_number(one.energy)} ({_number(one.energy_lift, 1)}) | {one.empty}"
        for one in metrics
    ]
    faces = first.rows + first.empty
    return f"| {label} | {words_for_label(label)} | {faces} | {chance} | {' | '.join(cells)} |"


def _mean_cells(metrics: Sequence[CamMetrics]) -> str:
    hits, inside = ([getattr(one, name) for one in metrics] for name in ("hit_rate", "energy"))
    lifts = [
        known_mean([getattr(one, f"{name}_lift") for one in metrics]) for name in ("hit", "energy")
    ]
    return (
        f"{_number(known_mean(hits))} ({_number(lifts[0], 1)}) "
        f"| {_number(known_mean(inside))} ({_number(lifts[1], 1)}) "
        f"| {sum(one.empty for one in metrics)}"
    )


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _plain(one: CamMetrics) -> dict[str, Any]:
    """Returns figures for JSON, which knows no NaN."""
    values = dataclasses.asdict(one)
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in values.items()
    }
