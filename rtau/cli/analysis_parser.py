"""The flags of the commands that work on results: `rtau summary`, `events`, `compare`, `report`.

Imports no heavy library; `rtau.cli.parser` calls it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

VERBS = {
    "summary": "summarise results: one row per file and face",
    "events": "list when each Action Unit begins, peaks and ends",
}

FORMATS = ("csv", "elan", "praat", "bids", "boris")
VALUES = ("auto", "p", "n", "r")
GROUPS = ("auto", "face", "seat")


def add_summary(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `rtau summary`."""
    _add_results(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="CSV (default: standard output)")
    add_rule(parser)


def add_events(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `rtau events`."""
    _add_results(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="csv: one table of all; elan: .eaf; praat: .TextGrid; bids: _events.tsv with its "
        "JSON; boris: a table of START and STOP (default: csv)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (default: standard output)"
    )
    parser.add_argument(
        "--out-dir",
        type=Path,
        metavar="DIR",
        help="folder for elan, praat and bids, one file per table, in the same tree",
    )
    add_rule(parser)


def add_rule(parser: argparse.ArgumentParser) -> None:
    """Adds what counts as an event, and which rows count; the defaults are the rule's own."""
    group = parser.add_argument_group("what counts")
    group.add_argument(
        "--values",
        choices=VALUES,
        default="auto",
        help="p: raw probability; n: calibrated to the person's neutral; r: intensity; auto: p, "
        "or r where there is no p (default: auto)",
    )
    _add_number(group, "--threshold", "an event reaches it (default: the model's thresholds)")
    _add_number(group, "--hysteresis", "how far under the threshold an event goes on")
    _add_number(group, "--smooth", "width of a centred moving average before, seconds")
    _add_number(group, "--min-duration", "shorter events are left out, seconds")
    _add_number(group, "--max-gap", "shorter interruptions are closed, seconds")
    group.add_argument(
        "--by",
        choices=GROUPS,
        default="auto",
        help="what a face is: its track, or its seat; auto: seats where there are some "
        "(default: auto)",
    )
    group.add_argument(
        "--all-rows",
        action="store_true",
        help="use rows that are flagged in the column quality, too",
    )


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULTS",
        help="tables of rtau video (CSV or Parquet), or folders of them",
    )


def _add_number(group: Any, flag: str, words: str) -> None:
    group.add_argument(flag, type=float, metavar="X", help=words)
