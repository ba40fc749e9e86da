"""Summaries and events of earlier results, from their files to a table or to files.

The calculations are in `rtau.analysis`; here are only files. Called by the commands of these names.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rtau import columns as names
from rtau.analysis.event_detection import (
    Event,
    EventRule,
    event_table,
    find_events,
)
from rtau.analysis.event_files import (
    bids_sidecar,
    bids_text,
    elan_text,
    praat_text,
)
from rtau.analysis.face_series import FileFrames, GroupBy, files_of
from rtau.analysis.face_summary import summary
from rtau.errors import SinkError, SourceOpenError, UsageError
from rtau.replacing import beside, not_written, replacing
from rtau.runs.result_tables import ResultTable, naming
from rtau.sinks import check_output, file_cell
from rtau.sources import VIDEO_SUFFIXES
from rtau.table import Table, joined

# Format -> suffix of its files; each file is about one video.
SUFFIXES = {"elan": ".eaf", "praat": ".TextGrid", "bids": "_events.tsv"}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """What counts: the rule of events, and which rows of which faces."""

    rule: EventRule = dataclasses.field(default_factory=EventRule)
    """What counts as an event."""
    by: GroupBy = "auto"
    """What a face is."""
    all_rows: bool = False
    """Whether rows that are flagged in the column `quality` count."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class FileEvents:
    """The events of one video."""

    result: ResultTable
    """The table they are from."""
    frames: FileFrames
    """The frames of the video."""
    events: tuple[Event, ...]
    """Its events."""

    @property
    def end_s(self) -> float:
        """The time at which the last frame ends."""
        frames = self.frames
        return float(frames.times_s[-1] + frames.durations_s[-1]) if len(frames.times_s) else 0.0

    def place(self, suffix: str) -> Path:
        """Returns where a file about the video goes below a folder of results."""
        file = Path(self.frames.file or self.result.name)
        if file.is_absolute() or ".." in file.parts:
            file = Path(file.name)
        name = file.stem if file.suffix in VIDEO_SUFFIXES else file.name
        return beside(file.with_name(f"{name}.x"), suffix)

    def text(self, kind: str, path: Path) -> str:
        """Returns the contents of its file for ELAN, Praat or BIDS, which will be at `path`."""
        if kind == "elan":
            video = self.result.video
            media = None if video is None else os.path.relpath(video, path.parent)
            return elan_text(self.events, media=media)
        return (
            praat_text(self.events, end_s=self.end_s) if kind == "praat" else bids_text(self.events)
        )


def summary_of(results: Iterable[ResultTable], selection: Selection) -> Table:
    """Returns one row per file and face of all results.

    Raises:
        UsageError: a table lacks what the rule asks for.
    """
    tables = []
    for one in results:
        with naming(one):
            tables.append(
                summary(
                    one.table,
                    selection.rule,
                    thresholds=one.thresholds,
                    by=selection.by,
                    all_rows=selection.all_rows,
                )
            )
    return joined(tables)


def events_of(result: ResultTable, selection: Selection) -> list[FileEvents]:
    """Returns the events of each file of a table.

    Raises:
        UsageError: the table lacks what the rule asks for.
    """
    with naming(result):
        return [
            FileEvents(
                result,
                frames,
                tuple(
                    event
                    for series in frames.faces
                    for event in find_events(series, selection.rule, thresholds=result.thresholds)
                ),
            )
            for frames in files_of(result.table, by=selection.by, all_rows=selection.all_rows)
        ]


def all_events(results: Iterable[ResultTable], selection: Selection) -> list[Event]:
    """Returns the events of all results, in order."""
    return [
        event
        for result in results
        for found in events_of(result, selection)
        for event in found.events
    ]


def event_table_of(results: Iterable[ResultTable], selection: Selection) -> Table:
    """Returns the events of all results as one table."""
    return event_table(all_events(results, selection), with_file=True)


def write_event_files(
    found: Sequence[FileEvents], *, kind: str, out: Path | None, out_dir: Path | None
) -> list[Path]:
    """Writes one file per video for ELAN, Praat or BIDS; returns them.

    Args:
        found: the events of each video.
        kind: `elan`, `praat` or `bids`.
        out: the file, for one video.
        out_dir: the folder, for any number.

    Raises:
        UsageError: several videos for one file, or neither file nor folder.
        SinkError: a file cannot be written.
    """
    if out is None and out_dir is None:
        raise UsageError(f"--format {kind} writes files: give --out FILE or --out-dir DIR")
    if out is not None and len(found) != 1:
        raise UsageError(
            f"--format {kind} writes a file per video: {len(found)} need --out-dir DIR"
        )
    paths = [out or Path(out_dir or "") / one.place(SUFFIXES[kind]) for one in found]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"two tables would write {twice}; name their common folder instead")
    for path, one in zip(paths, found, strict=True):
        if out_dir is not None:
            make_folder(path.parent)
        write_text(path, one.text(kind, path))
        if kind == "bids":
            sidecar = bids_sidecar(dict.fromkeys(event.au for event in one.events))
            write_text(path.with_suffix(".json"), json.dumps(sidecar, indent=2) + "\n")
    return paths


def merge(files: Sequence[tuple[str, Path]], out: Path) -> None:
    """Writes the rows of several CSV files into one, with the name of each in a column `file`.

    Args:
        files: name and CSV of each, all with the same columns.
        out: the table.

    Raises:
        SourceOpenError: a file cannot be read.
        UsageError: the columns differ.
        SinkError: the table cannot be written.
    """
    header: list[str] | None = None
    with replacing(out) as part, part.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        for name, path in files:
            try:
                with path.open(encoding="utf-8", newline="") as file:
                    rows = csv.reader(file)
                    own = next(rows)
                    if header is None:
                        header = own
                        writer.writerow([names.FILE, *header])
                    if own != header:
                        raise UsageError(f"{path}: has other columns than {files[0][1]}")
                    cell = file_cell(name)
                    writer.writerows([cell, *row] for row in rows)
            except (OSError, StopIteration) as error:
                raise SourceOpenError(f"{path}: cannot be read ({error})") from error


def write_text(path: Path, text: str) -> None:
    """Writes a text: all of it or nothing.

    Raises:
        UsageError: the path is a directory.
        SinkError: it cannot be written.
    """
    check_output(path)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def make_folder(path: Path) -> None:
    """Makes a folder and those above it.

    Raises:
        SinkError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(not_written(path, error)) from error
