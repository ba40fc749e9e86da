"""`rtau compare A B...`: how far raters agree on each Action Unit: programs and people."""

from __future__ import annotations

import argparse
import json

from rtau.analysis.agreement_text import agreement_markdown, agreement_values
from rtau.analysis.figures import agreement_figure, check_suffix, save_figure
from rtau.cli.results import write
from rtau.errors import UsageError
from rtau.runs.raters import agreement_of, read_rater
from rtau.sinks import check_output


def run(args: argparse.Namespace) -> int:
    """Writes the agreement of the first rater with every other; returns 0.

    Raises:
        RtauError: a file cannot be read, or the raters have nothing in common.
    """
    if len(args.raters) < 2:
        raise UsageError("compare needs two raters or more: rtau compare ours.csv coder.eaf")
    inputs = [path for path in args.raters if path.is_file()]
    for path in (args.out, args.json, args.png):
        if path is not None:
            check_output(path, inputs=inputs)
    if args.png is not None:
        check_suffix(args.png)
    raters = [
        read_rater(path, by=args.by, fps=args.fps, face=args.face if number == 0 else None)
        for number, path in enumerate(args.raters)
    ]
    pairs = agreement_of(raters, face=args.face)
    if args.json is not None:
        values = [
            {"first": one.first, "second": one.second, "remarks": list(one.remarks)}
            | {"labels": agreement_values(one.labels)}
            for one in pairs
        ]
        write(json.dumps({"schema": 1, "pairs": values}, indent=2) + "\n", args.json)
    if args.png is not None:
        titles = {f"{one.first} and {one.second}": one.labels for one in pairs}
        save_figure(agreement_figure(titles), args.png)
    texts = [
        agreement_markdown(one.labels, first=one.first, second=one.second, remarks=one.remarks)
        for one in pairs
    ]
    if args.out is not None or (args.json is None and args.png is None):
        write("\n".join(texts), args.out)
    return 0
