"""The verb `rtau-train report`: a folder of results to index.html and report.md.

Added to the parser of `rtau_train.commands.main`. Prints the page's path; trains and evaluates
nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rtau_train.report.page import write_report
from rtau_train.report.results import read_results


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    report = verbs.add_parser("report", help="write the report of a study again from its results")
    report.add_argument("results", type=Path, metavar="RESULTS", help="folder with study.json")
    report.add_argument(
        "--out", type=Path, metavar="DIR", help="folder to write (default: RESULTS)"
    )
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Writes the report and prints where the page is.

    Raises:
        SourceOpenError: a file of the results is missing or not what its layout says.
    """
    page, _ = write_report(read_results(arguments.results), out=arguments.out or arguments.results)
    print(page)
