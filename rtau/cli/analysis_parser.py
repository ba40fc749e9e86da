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
    "report": "write a page: the video beside its curves, events, heatmaps and summary",
    "rebaseline": "bring an earlier table to the persons' own neutral faces",
    "compare": "compare raters, programs and people: agreement per Action Unit",
}

FORMATS = ("csv", "elan", "praat", "bids", "boris")
VIDEO_MODES = ("link", "embed", "copy", "none")
VALUES = ("auto", "p", "n", "r")
DECIDERS = ("p", "n")
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


def add_report(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `rtau report`."""
    parser.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="SOURCE",
        help="a video, or its table of an earlier run; or a folder of tables",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PLACE",
        help="the HTML file; a folder for several (default: the name of the source, .html)",
    )
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="table of an earlier run, instead of a new one"
    )
    parser.add_argument(
        "--video",
        choices=VIDEO_MODES,
        default=VIDEO_MODES[0],
        help="link: the page names the video; embed: it holds it; copy: it names an H.264 copy, "
        "for videos that browsers cannot play; none (default: link)",
    )
    parser.add_argument(
        "--blur",
        action="store_true",
        help="make faces unrecognisable, in a copy of the video and in all pictures",
    )
    parser.add_argument(
        "--heatmaps",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a picture at the apex of each event (default: on)",
    )
    parser.add_argument(
        "--png", type=Path, metavar="FILE", help="draw the time lines of --csv (PNG, PDF, SVG)"
    )
    parser.add_argument("--model", metavar="MODEL", help="bundled model or file, for a new run")
    parser.add_argument("--provider", help="execution provider of the model (default: auto)")
    add_rule(parser)


def add_rebaseline(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `rtau rebaseline`."""
    parser.add_argument("table", type=Path, metavar="TABLE", help="CSV of an earlier run")
    parser.add_argument(
        "--neutral",
        required=True,
        metavar="WHAT",
        help="seconds of the video (0-5), or a .neutral.toml of an earlier run",
    )
    parser.add_argument(
        "--decide-by",
        choices=DECIDERS,
        default=DECIDERS[0],
        help="p: the decisions stay; n: they are made anew, relative to the neutral (default: p)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="CSV (default: standard output)")


def add_compare(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of `rtau compare`."""
    parser.add_argument(
        "raters",
        nargs="+",
        type=Path,
        metavar="RATER",
        help="what each rater says, the first is compared with every other: a table of rtau, "
        "OpenFace, pyfaceau, Py-Feat or LibreFace, an ELAN file, a list of events, a table of "
        "codes, or a folder of one file per video",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="Markdown (default: standard output)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers as JSON")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw r and kappa (PNG, PDF, SVG)")
    parser.add_argument(
        "--face", metavar="NAME", help="face of the first rater (default: seen longest)"
    )
    parser.add_argument(
        "--fps", type=float, metavar="X", help="frames per second of tables without times"
    )
    _add_by(parser)


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
    _add_number(group, "--hysteresis", "share of the threshold by which an event may fall under it")
    _add_number(group, "--smooth", "width of a centred moving average before, seconds")
    _add_number(group, "--min-duration", "shorter events are left out, seconds")
    _add_number(group, "--max-gap", "shorter interruptions are closed, seconds")
    _add_by(group)
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


def _add_by(group: Any) -> None:
    group.add_argument(
        "--by",
        choices=GROUPS,
        default="auto",
        help="what a face is: its track, or its seat; auto: seats where there are some "
        "(default: auto)",
    )


def _add_number(group: Any, flag: str, words: str) -> None:
    group.add_argument(flag, type=float, metavar="X", help=words)
