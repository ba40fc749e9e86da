"""The verb `rtau-train prepare`: its flags, and what it prints.

Added to the parser of `rtau_train.commands.main`. The counts and the folder's name go to stdout;
progress, notes and the first rejections to stderr.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rtau.contract import CropRule
from rtau.errors import UsageError
from rtau_train.datasets.prepare import (
    ckplus,
    coded_videos,
    dem,
    disfa_plus,
    fer2013,
    london,
    manifest,
    portraits,
)
from rtau_train.datasets.prepare.cutting import LEAST_SCORE, Plan
from rtau_train.datasets.prepare.landmarks import read_landmarks
from rtau_train.datasets.prepare.listing import Listing, without_neutral
from rtau_train.datasets.prepare.run import PrepareJob, prepare
from rtau_train.datasets.prepare.writer import REJECTED, Outcome
from rtau_train.report.dataset_counts import counts_table

Read = Callable[[argparse.Namespace], Listing]

_SIZES_PX: Final = (16, 1024)
# Rejected files that are named on the terminal; all of them are in rejected.csv.
_NAMED: Final = 5
# Without a terminal a line is printed this often.
_LINES: Final = 20


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "prepare", help="make a folder of labelled crops from a data set (docs/data-sets.md)"
    )
    datasets = verb.add_subparsers(required=True, metavar="DATASET")
    studies = (_add_disfa_plus, _add_dem, _add_fer2013, _add_ckplus)
    for add in (*studies, _add_folder, _add_portraits, _add_london, _add_annotations):
        add(datasets)


def _add_disfa_plus(datasets: Any) -> None:
    parser = _add(datasets, "disfa+", _read_disfa_plus, help="DISFA+: Images/ and Labels/")
    _add_neutral(parser, default=False)
    _add_cutting(parser)


def _add_dem(datasets: Any) -> None:
    parser = _add(datasets, "dem", _read_dem, help="DEM: images and a manifest")
    parser.add_argument(
        "--labels", choices=("intensity", "emotion"), default="intensity", help="what is labelled"
    )
    _add_neutral(parser, default=False)
    _add_cutting(parser)


def _add_fer2013(datasets: Any) -> None:
    _add(datasets, "fer2013", _read_fer2013, help="FER2013: fer2013.csv or class folders")


def _add_ckplus(datasets: Any) -> None:
    parser = _add(datasets, "ckplus", _read_ckplus, help="CK+: original folders or CK+48")
    parser.add_argument(
        "--labels",
        choices=("emotion", "occurrence", "intensity"),
        default="emotion",
        help="emotions, or AUs as present or not, or AUs with intensity",
    )
    parser.add_argument(
        "--contempt", choices=("drop", "keep"), default="drop", help="FER2013 has no such class"
    )
    parser.add_argument(
        "--neutral",
        choices=("person", "sequence", "none"),
        help="first frames taken as neutral: one per person (default for emotions), one per "
        "sequence, or none (default for AUs)",
    )
    parser.add_argument(
        "--apex-frames", type=int, default=1, metavar="N", help="last frames that get the label"
    )
    _add_cutting(parser)


def _add_folder(datasets: Any) -> None:
    parser = _add(datasets, "folder", _read_folder, help="your own images and a manifest")
    parser.add_argument(
        "--labels",
        choices=("intensity", "occurrence", "emotion"),
        required=True,
        help="what the labels are: AU intensities 0-5, AUs present 0/1, or emotions",
    )
    parser.add_argument(
        "--crops", action="store_true", help="the images are square face crops: look for no face"
    )
    _add_neutral(parser, default=True)
    _add_cutting(parser)


def _add_portraits(datasets: Any) -> None:
    parser = _add(datasets, "portraits", _read_portraits, help="faces scored by MediaPipe")
    parser.add_argument(
        "--source", dest="of", metavar="NAME", help="only rows with this word in column source"
    )
    _add_cutting(parser)
    parser.set_defaults(border=portraits.BORDER)


def _add_london(datasets: Any) -> None:
    parser = _add(datasets, "london", _read_london, help="the Face Research Lab London Set")
    parser.add_argument("--people", choices=("odd", "even", "all"), default="all", help="numbers")
    _add_cutting(parser)
    parser.set_defaults(border=portraits.BORDER)


def _add_annotations(datasets: Any) -> None:
    parser = _add(datasets, "annotations", _read_annotations, help="videos that people coded")
    parser.add_argument(
        "--between",
        choices=("uncoded", "absent"),
        default="uncoded",
        help="what the time between the annotations of an AU says (default: uncoded)",
    )
    parser.add_argument(
        "--step",
        type=float,
        default=coded_videos.STEP_S,
        metavar="S",
        help=f"most seconds between frames of one annotation (default {coded_videos.STEP_S})",
    )
    parser.add_argument(
        "--seat", action="append", default=[], metavar="NAME=BOX", help="as of the run: rtau video"
    )
    _add_cutting(parser)
    parser.set_defaults(
        crop_expand=coded_videos.CROP_EXPAND, crop_offset_y=coded_videos.CROP_OFFSET_Y
    )


def _add(datasets: Any, name: str, read: Read, *, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = datasets.add_parser(name, help=help)
    parser.add_argument("source", type=Path, metavar="SRC", help="the data set as distributed")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--size", type=int, metavar="PX", help="side of the crops")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes, a core each"
    )
    parser.add_argument(
        "--landmarks", type=Path, metavar="CSV", help="68 points per image, px in the image"
    )
    parser.set_defaults(run=run, read=read, keep_neutral=True, crop_expand=1.0, crop_offset_y=0.0)
    parser.set_defaults(least_score=LEAST_SCORE, border=0.0, seat=())
    return parser


def _add_neutral(parser: argparse.ArgumentParser, *, default: bool) -> None:
    parser.add_argument(
        "--keep-neutral",
        action=argparse.BooleanOptionalAction,
        default=default,
        help="keep images that show no AU of intensity 2 or more",
    )


def _add_cutting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--crop-expand", type=float, metavar="X", help="side of the crop over that of Haar's box"
    )
    parser.add_argument(
        "--crop-offset-y", type=float, metavar="Y", help="move of its centre down, in box sides"
    )
    parser.add_argument(
        "--least-score", type=float, metavar="S", help=f"of a face (default {LEAST_SCORE})"
    )


def run(arguments: argparse.Namespace) -> None:
    """Prepares a data set and prints its counts.

    Raises:
        RtauError: a flag is wrong, nothing can be used, or the folder cannot be written.
    """
    _check_flags(arguments)
    console = Console(stderr=True, soft_wrap=True)
    landmarks = read_landmarks(arguments.landmarks) if arguments.landmarks else None
    listing = arguments.read(arguments)
    if listing.task == "multi_label" and not arguments.keep_neutral:
        # Other AUs of DEM are kept as columns, but the study is about the twelve.
        aus = dem.AUS if listing.dataset == "dem" else listing.labels
        listing = without_neutral(listing, aus)
    seats = tuple(arguments.seat)
    plan = _plan(arguments, listing)
    job = PrepareJob(arguments.source, arguments.out, plan, arguments.jobs, seats)
    bar = _Bar(console)
    try:
        with bar.progress:
            outcome = prepare(job, listing, landmarks, progress=bar.show)
    except KeyboardInterrupt:
        console.print(f"{bar.done} images are done; the same command goes on from here")
        raise
    _say(console, arguments.out, listing=listing, outcome=outcome)
    print(counts_table(listing, [row.image for row in outcome.kept]))
    print(arguments.out)


class _Bar:
    """Shows a bar on a terminal, and now and then a line elsewhere."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("cutting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._console = console
        self.progress = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self.progress.add_task("", total=None)
        self.done = 0

    def show(self, done: int, total: int) -> None:
        """Shows how many images of how many are done."""
        before, self.done = self.done, done
        self.progress.update(self._task, completed=done, total=total)
        step = max(1, total // _LINES)
        if self.progress.disable and before // step != done // step:
            self._console.print(f"cut {done}/{total}")


def _say(console: Console, out: Path, *, listing: Listing, outcome: Outcome) -> None:
    """Prints the notes, how many images were rejected, the first of them, and where the rest is."""
    several = sum(row.cut.faces > 1 for row in outcome.kept)
    notes = list(listing.notes)
    if several:
        notes.append(
            f"{several} images show several faces; the largest near the centre was taken "
            f"({out / 'cuts.jsonl'} has the number)"
        )
    for note in notes:
        console.print(note, markup=False, highlight=False)
    if not outcome.rejections:
        return
    console.print(
        f"{len(outcome.rejections):,} rejected, listed in {out / REJECTED}:",
        markup=False,
        highlight=False,
    )
    for rejection in outcome.rejections[:_NAMED]:
        console.print(f"  {rejection.name}: {rejection.reason}", markup=False, highlight=False)
    if len(outcome.rejections) > _NAMED:
        console.print(f"  and {len(outcome.rejections) - _NAMED:,} more")


def _check_flags(arguments: argparse.Namespace) -> None:
    ranges: list[tuple[str, float, float, float]] = [("jobs", arguments.jobs, 1, 1024)]
    if arguments.size is not None:
        ranges.append(("size", arguments.size, *_SIZES_PX))
    if "step" in arguments:
        ranges.append(("step", arguments.step, 0.01, 60))
    if "apex_frames" in arguments:
        ranges.append(("apex-frames", arguments.apex_frames, 1, 100))
    ranges.append(("least-score", arguments.least_score, 0, 1))
    ranges.append(("crop-expand", arguments.crop_expand, 0.5, 4))
    ranges.append(("crop-offset-y", arguments.crop_offset_y, -1, 1))
    for name, value, low, high in ranges:
        if not low <= value <= high:
            raise UsageError(f"--{name} must be between {low:g} and {high:g}, got {value:g}")
    if not arguments.source.exists():
        raise UsageError(f"{arguments.source}: there is no such file or folder")


def _plan(arguments: argparse.Namespace, listing: Listing) -> Plan:
    rule = CropRule("haar", arguments.crop_expand, 0.0, arguments.crop_offset_y)
    return Plan(
        dataset=listing.dataset,
        size_px=arguments.size or listing.size_px,
        crop=None if listing.are_crops else rule,
        least_score=arguments.least_score,
        border=arguments.border,
    )


def _read_disfa_plus(arguments: argparse.Namespace) -> Listing:
    return disfa_plus.read(arguments.source)


def _read_dem(arguments: argparse.Namespace) -> Listing:
    return dem.read(arguments.source, kind=arguments.labels)


def _read_fer2013(arguments: argparse.Namespace) -> Listing:
    return fer2013.read(arguments.source)


def _read_ckplus(arguments: argparse.Namespace) -> Listing:
    is_emotion = arguments.labels == "emotion"
    choices = ckplus.Choices(
        kind=arguments.labels,
        keep_contempt=arguments.contempt == "keep",
        neutral=arguments.neutral or ("person" if is_emotion else "none"),
        apex_frames=arguments.apex_frames,
    )
    return ckplus.read(arguments.source, choices)


def _read_portraits(arguments: argparse.Namespace) -> Listing:
    return portraits.read(arguments.source, of=arguments.of)


def _read_london(arguments: argparse.Namespace) -> Listing:
    return london.read(arguments.source, people=arguments.people)


def _read_folder(arguments: argparse.Namespace) -> Listing:
    return manifest.read_manifest(
        arguments.source, kind=arguments.labels, are_crops=arguments.crops
    )


def _read_annotations(arguments: argparse.Namespace) -> Listing:
    return coded_videos.read(arguments.source, between=arguments.between, step_s=arguments.step)
