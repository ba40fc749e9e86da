"""`rtau report SOURCE...`: the video beside its curves and events, as HTML files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rtau.analysis.figures import check_suffix, save_figure, timeline_figure
from rtau.cli.results import read, rule_of
from rtau.config import build
from rtau.errors import UsageError
from rtau.runs.analyses import Selection, events_of
from rtau.runs.log import counted, say
from rtau.runs.report import ReportOptions, targets_of, write_report, write_reports
from rtau.runs.result_tables import read_result
from rtau.sinks import check_output


def run(args: argparse.Namespace) -> int:
    """Writes the report, or a folder of them; returns the exit code.

    Raises:
        RtauError: a file cannot be read, run or written.
    """
    options = _options(args)
    videos, others = targets_of(args.sources)
    is_one = len(args.sources) == 1 and not args.sources[0].is_dir()
    if not is_one:
        return _folder(args, videos, others, options=options)
    if args.csv is not None and others:
        raise UsageError("--csv is the table of a video: rtau report clip.mp4 --csv clip.csv")
    video = videos[0] if videos else None
    table = args.csv if args.csv is not None else (others[0] if others else None)
    out = args.out or Path(args.sources[0].name).with_suffix(".html")
    inputs = [path for path in (video, table) if path is not None]
    check_output(out, inputs=inputs)
    if args.png is not None:
        _png(args.png, table, options.selection)
    row = write_report(video, table, out, options=options)
    say(f"{args.sources[0]}: {counted(row.faces, 'face')}, {counted(row.events, 'event')} -> {out}")
    return 0


def _folder(
    args: argparse.Namespace, videos: list[Path], others: list[Path], *, options: ReportOptions
) -> int:
    if args.csv is not None or args.png is not None:
        raise UsageError("--csv and --png are for the report of one video")
    if videos:
        raise UsageError(
            f"a folder of reports is made of tables, got the video {videos[0]}; first: rtau video "
            "... --out-dir results, then: rtau report results --out reports"
        )
    if args.out is None:
        raise UsageError("several reports need a folder: add --out DIR")
    rows = write_reports(read(others), args.out, options=options)
    failed = sum(1 for row in rows if row.error)
    say(f"{counted(len(rows) - failed, 'report')} -> {args.out / 'index.html'}")
    return 1 if failed else 0


def _png(path: Path, table: Path | None, selection: Selection) -> None:
    check_suffix(path)
    if table is None:
        raise UsageError("--png draws the table of an earlier run: add --csv FILE")
    (found,) = events_of(read_result(table, name=Path(table.stem)), selection)
    check_output(path, inputs=[table])
    save_figure(timeline_figure(found.frames, found.events, rule=selection.rule), path)


def _options(args: argparse.Namespace) -> ReportOptions:
    asked = {("model", "model"): args.model, ("model", "provider"): args.provider}
    config = build({key: value for key, value in asked.items() if value is not None})
    return ReportOptions(
        config=config,
        selection=Selection(rule_of(args), args.by, args.all_rows),
        video=args.video,
        blur=args.blur,
        heatmaps=args.heatmaps,
        command=("rtau", *sys.argv[1:]),
    )
