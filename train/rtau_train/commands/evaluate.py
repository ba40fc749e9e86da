"""The verbs that judge a run: `rtau-train evaluate`, `calibrate` and `probe`.

Parses, hands over and prints; the figures are made elsewhere. Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
import dataclasses
import typing
from pathlib import Path

import numpy as np

from rtau_train import records
from rtau_train.commands._data_flags import add_data, read_data, read_run
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.splits import saved_splits
from rtau_train.evaluation import evaluate, metrics_table, probe
from rtau_train.evaluation.parts import PartName, part_of
from rtau_train.evaluation.predictions import PREDICTIONS_NAME, write_predictions
from rtau_train.evaluation.run_metrics import METRICS_NAME, file_of, write_metrics
from rtau_train.fitting.lab_record import read_record
from rtau_train.models.checkpoint import load_model, save_model
from rtau_train.models.label_subset import with_labels

PROBE_NAME = "probe.json"


def add_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `evaluate`, `calibrate` and `probe`."""
    judge = verbs.add_parser("evaluate", help="write and print a run's figures on one part")
    judge.add_argument(
        "--part",
        choices=typing.get_args(PartName),
        default="test",
        help="of its split, or one of the two test parts of FER2013 (default: %(default)s); other "
        "parts than test are written to files of their name, evaluation-public.json",
    )
    judge.add_argument("--json", action="store_true", help="print JSON")
    judge.add_argument(
        "--group",
        dest="groups",
        action="append",
        metavar="COLUMN",
        help="column of labels.csv to break the figures down by; repeated, several (default: "
        f"those of {', '.join(evaluate.GROUP_COLUMNS)} there are)",
    )
    judge.set_defaults(run=_evaluate)
    measure = verbs.add_parser(
        "calibrate",
        help="bring outputs to probabilities; choose thresholds and heatmap scales anew",
    )
    measure.add_argument(
        "--neutral", type=Path, metavar="DIR", help="faces without any AU: thresholds stay above"
    )
    measure.add_argument(
        "--labels", nargs="+", metavar="LABEL", help="labels to keep; the others are left out"
    )
    measure.set_defaults(run=_calibrate)
    read_off = verbs.add_parser(
        "probe",
        help="fit the layers of sides and pose, and the scale of intensities, by renders that the "
        "run has not seen",
    )
    read_off.set_defaults(run=_probe)
    for verb in (judge, measure, read_off):
        verb.add_argument("run_folder", type=Path, metavar="RUN", help="folder `fit` wrote")
        add_data(verb)


def _evaluate(arguments: argparse.Namespace) -> None:
    model, splits = read_run(arguments)
    run = arguments.run_folder
    record = dataclasses.asdict(read_record(run))
    part = part_of(splits, arguments.part)
    groups = evaluate.group_columns(splits, arguments.groups, part)
    said = evaluate.answers(model, splits, part)
    metrics = evaluate.report(model, splits, part=part, said=said, groups=groups, record=record)
    write_predictions(run / file_of(PREDICTIONS_NAME, part.name), said)
    write_metrics(run / file_of(METRICS_NAME, part.name), metrics)
    if arguments.json:
        print(records.as_json(metrics), end="")
    else:
        print(metrics_table.metrics_table(metrics))


def _calibrate(arguments: argparse.Namespace) -> None:
    model = load_model(arguments.run_folder)
    if arguments.labels:
        model = with_labels(model, tuple(arguments.labels))
    data = read_data(arguments, model.recipe)
    splits = saved_splits(arguments.run_folder, data, model.recipe)
    neutral = None
    if arguments.neutral is not None:
        network = model.recipe.network
        neutral = read_folder(arguments.neutral, labels=network.labels, task=network.task)
        neutral = neutral.take(np.flatnonzero(neutral.shows_nothing))
    calibrated = evaluate.calibrated(model, splits, neutral=neutral)
    save_model(arguments.run_folder / "model.pt", calibrated)
    print(arguments.run_folder / "model.pt")


def _probe(arguments: argparse.Namespace) -> None:
    model = load_model(arguments.run_folder)
    data = read_data(arguments, model.recipe)
    model, report = probe.probed(model, probe.parts_of(data, model.recipe))
    save_model(arguments.run_folder / "model.pt", model)
    records.write_json(arguments.run_folder / PROBE_NAME, report)
    print(records.as_json(report), end="")
