"""The verb `rtau-train suggest`: the moments of a video that a person had best code.

Runs the video, or takes the table of an earlier run. Called by `rtau_train.commands.main`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path
from typing import Any, Final

from rtau.analysis.uncertain_moments import csv_task, elan_task, uncertain_moments
from rtau.contract import ModelContract
from rtau.detector import Detector
from rtau.errors import UsageError
from rtau.facs import au_from_label
from rtau.runs.analyses import write_text
from rtau.runs.log import counted, say
from rtau.runs.result_tables import read_result
from rtau.sinks import check_output, file_cell
from rtau.table import Table

# About a quarter of an hour of a coder's time.
COUNT: Final = 60
_SUFFIXES: Final = (".eaf", ".csv")


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "suggest", help="list the moments of a video to code by hand (docs/coding.md)"
    )
    verb.add_argument("video", type=Path, metavar="VIDEO")
    verb.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="task: .eaf for ELAN, or .csv"
    )
    verb.add_argument(
        "--csv", type=Path, metavar="FILE", help="table of an earlier run, instead of a new one"
    )
    verb.add_argument(
        "--moments", type=int, default=COUNT, metavar="N", help=f"at most (default {COUNT})"
    )
    verb.add_argument("--aus", metavar="AUS", help="such as 4,12 (default: all of the model)")
    verb.add_argument("--subject", default="", metavar="NAME", help="who is shown")
    verb.add_argument("--model", metavar="MODEL", help="bundled model or file, for a new run")
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Writes the task and prints where it is.

    Raises:
        RtauError: the video or the table cannot be read, or a flag is wrong.
    """
    out, video = arguments.out, arguments.video
    if out.suffix not in _SUFFIXES:
        raise UsageError(f"--out must end in .eaf or .csv, got {out}")
    if arguments.moments < 1:
        raise UsageError(f"--moments must be 1 or more, got {arguments.moments}")
    check_output(out, inputs=[path for path in (video, arguments.csv) if path is not None])
    table, thresholds = _table(arguments)
    moments = uncertain_moments(
        table, thresholds=thresholds, count=arguments.moments, labels=_labels(arguments, thresholds)
    )
    if not moments:
        raise UsageError(f"{video}: no usable frame shows a face; nothing can be coded")
    place = os.path.relpath(video, out.parent)
    if out.suffix == ".eaf":
        text = elan_task(moments, media=place, subject=arguments.subject)
    else:
        text = csv_task(moments, file=file_cell(place), subject=file_cell(arguments.subject))
    write_text(out, text)
    say(f"{video}: {counted(len(moments), 'moment')} to code")
    print(out)


def _table(arguments: argparse.Namespace) -> tuple[Table, dict[str, float]]:
    """Returns the table of a run, and the thresholds of its model."""
    if arguments.csv is not None:
        result = read_result(arguments.csv, name=Path(arguments.csv.stem))
        if result.thresholds is None:
            raise UsageError(
                f"{arguments.csv}: has no run record beside it, which has the thresholds; leave "
                "--csv out to run the video again"
            )
        return result.table, result.thresholds
    given = {} if arguments.model is None else {"model": arguments.model}
    with contextlib.closing(Detector(**given)) as detector:
        return detector.table(arguments.video, progress=True), _thresholds(detector.contract)


def _thresholds(contract: ModelContract) -> dict[str, float]:
    if contract.task != "multi_label":
        raise UsageError(f"{contract.name}: has emotions; suggest is about Action Units")
    return dict(zip(contract.labels, contract.thresholds, strict=True))


def _labels(arguments: argparse.Namespace, thresholds: dict[str, float]) -> list[str] | None:
    if arguments.aus is None:
        return None
    try:
        labels = [au_from_label(word).label for word in arguments.aus.split(",")]
    except ValueError as error:
        raise UsageError(f"--aus: {error}") from None
    unknown = [label for label in labels if label not in thresholds]
    if unknown:
        raise UsageError(f"--aus: the model has no {unknown[0]}; it has {', '.join(thresholds)}")
    return labels
