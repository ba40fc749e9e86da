"""What the commands that work on results share: reading them, the rule of their flags, writing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rtau.analysis.event_detection import EventRule
from rtau.errors import UsageError
from rtau.runs.analyses import Selection, write_text
from rtau.runs.log import say
from rtau.runs.result_tables import ResultTable, read_results
from rtau.sinks import check_format, check_output
from rtau.table import Table

# Flag of a number -> field of the rule.
_NUMBERS = {
    "threshold": "threshold",
    "hysteresis": "hysteresis",
    "smooth": "smooth_s",
    "min_duration": "min_duration_s",
    "max_gap": "max_gap_s",
}


def selection_of(args: argparse.Namespace) -> Selection:
    """Returns what counts, by the flags, after a check of the output.

    Raises:
        RtauError: a value is not allowed, or the output cannot be written.
    """
    if args.out is not None:
        check_output(args.out, inputs=[path for path in args.results if path.is_file()])
        if getattr(args, "format", "csv") == "csv":
            check_format(args.out, flag="--out", holds="CSV")
    return Selection(rule_of(args), args.by, args.all_rows)


def rule_of(args: argparse.Namespace) -> EventRule:
    """Returns what counts as an event, by the flags.

    Raises:
        UsageError: a value is not allowed.
    """
    given = {
        field: getattr(args, flag)
        for flag, field in _NUMBERS.items()
        if getattr(args, flag) is not None
    }
    try:
        return EventRule(values=args.values, **given)
    except UsageError as error:
        text = str(error)
        for flag, field in _NUMBERS.items():
            text = text.replace(f"{field} ", f"--{flag.replace('_', '-')} ")
        raise UsageError(text) from None


def read(paths: Sequence[Path]) -> Iterator[ResultTable]:
    """Yields the tables of files and folders, and says what is left out.

    Raises:
        RtauError: one cannot be read, or there is none.
    """
    return read_results(paths, left_out=lambda line: say(f"left out: {line}"))


def write_table(table: Table, out: Path | None) -> None:
    """Writes a table as CSV, to standard output where no file is named.

    Raises:
        SinkError: the file cannot be written.
    """
    if out is None:
        sys.stdout.write(table.csv_text())
    else:
        table.to_csv(out)


def write(text: str, out: Path | None) -> None:
    """Writes a text, to standard output where no file is named.

    Raises:
        SinkError: the file cannot be written.
    """
    if out is None:
        sys.stdout.write(text)
    else:
        write_text(out, text)
