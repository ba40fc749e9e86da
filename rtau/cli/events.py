"""`rtau events RESULTS...`: when each Action Unit begins, peaks and ends in earlier results."""

from __future__ import annotations

import argparse

from rtau.analysis.event_files import boris_text
from rtau.cli.results import read, selection_of, write, write_table
from rtau.errors import UsageError
from rtau.runs.analyses import SUFFIXES, all_events, event_table_of, events_of, write_event_files
from rtau.runs.log import counted, say


def run(args: argparse.Namespace) -> int:
    """Writes the events in the format that is asked for; returns 0.

    Raises:
        RtauError: a table cannot be read, or lacks what is asked for.
    """
    selection = selection_of(args)
    if args.format in SUFFIXES:
        results = read(args.results)
        found = [part for result in results for part in events_of(result, selection)]
        paths = write_event_files(found, kind=args.format, out=args.out, out_dir=args.out_dir)
        events = sum(len(part.events) for part in found)
        say(f"{counted(events, 'event')} in {counted(len(paths), 'file')}")
        return 0
    if args.out_dir is not None:
        raise UsageError(f"--format {args.format} writes one table: give --out FILE")
    results = read(args.results)
    if args.format == "boris":
        write(boris_text(all_events(results, selection)), args.out)
    else:
        write_table(event_table_of(results, selection), args.out)
    return 0
