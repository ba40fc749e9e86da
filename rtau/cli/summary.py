"""`rtau summary RESULTS...`: one row per file and face of earlier results."""

from __future__ import annotations

import argparse

from rtau.cli.results import read, selection_of, write_table
from rtau.runs.analyses import summary_of


def run(args: argparse.Namespace) -> int:
    """Writes the summary; returns 0.

    Raises:
        RtauError: a table cannot be read, or lacks what is asked for.
    """
    selection = selection_of(args)
    write_table(summary_of(read(args.results), selection), args.out)
    return 0
