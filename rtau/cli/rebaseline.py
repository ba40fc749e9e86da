"""`rtau rebaseline TABLE.csv --neutral 0-5`: the columns `_n`, of a run that had no neutral."""

from __future__ import annotations

import argparse

from rtau.cli.results import write_table
from rtau.replacing import is_special
from rtau.runs.log import say
from rtau.runs.rebaseline import rebaseline, write_beside
from rtau.sinks import check_output


def run(args: argparse.Namespace) -> int:
    """Writes the table with the columns of the neutral; returns 0.

    Raises:
        RtauError: the table cannot be read or the result not written, or nothing is neutral.
    """
    if args.out is not None:
        check_output(args.out, inputs=[args.table])
    found = rebaseline(args.table, args.neutral, decides=args.decide_by == "n")
    for sentence in found.refused:
        say(sentence)
    write_table(found.table, args.out)
    if args.out is not None and not is_special(args.out):
        write_beside(found, args.table, args.out)
    return 0
