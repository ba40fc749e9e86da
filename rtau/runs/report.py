"""Makes the report of a video: its table, made now or before, pictures, video and page.

What the page looks like is `rtau.web.report`; here are the runs and files it is made of.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from rtau import columns as names
from rtau.analysis.face_summary import summary
from rtau.backends import find_model, open_engine
from rtau.config import RunConfig
from rtau.contract import sha256_of
from rtau.errors import RtauError, SourceOpenError, UsageError
from rtau.runs.analyses import FileEvents, Selection, events_of, make_folder, write_text
from rtau.runs.apex_pictures import EventKey, apex_pictures
from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.result_tables import ResultTable, read_result
from rtau.runs.session import run_source
from rtau.runs.views import open_view
from rtau.sources import VIDEO_SUFFIXES, open_source
from rtau.web.report.index import IndexRow, index_page
from rtau.web.report.page import PageContent, PageVideo, report_page

VideoMode = Literal["link", "embed", "copy", "none"]
MEDIA_TYPES = {".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime"}
# A page with more than this in it opens slowly, and no mail takes it.
LARGEST_EMBEDDED_BYTES = 200 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report shows."""

    config: RunConfig
    """Settings of the runs it needs."""
    selection: Selection = dataclasses.field(default_factory=Selection)
    """What counts as an event, and which rows count."""
    video: VideoMode = "link"
    """Whether the page names the video, holds it, or names a copy that browsers can play."""
    blur: bool = False
    """Makes faces unrecognisable, in the video and in the pictures."""
    heatmaps: bool = True
    """Pictures at the apex of each event."""
    command: tuple[str, ...] = ()
    """The command line, for the records of the runs."""


def write_report(
    video: Path | None, table: Path | None, out: Path, *, options: ReportOptions
) -> IndexRow:
    """Writes one report; returns its row for an index.

    Args:
        video: the video; None for the one that the table's run record names.
        table: the table of an earlier run; None to run the video now.
        out: the page.
        options: what it shows.

    Raises:
        RtauError: a file cannot be read, run or written.
    """
    with tempfile.TemporaryDirectory(prefix="rtau-") as scratch:
        if table is None:
            assert video is not None
            table = _run(video, Path(scratch), options)
        result = read_result(table, name=Path((video or table).stem))
        parts = events_of(result, options.selection)
        if len(parts) != 1:
            raise UsageError(
                f"{table}: holds the rows of {len(parts)} videos; give the tables of each, such as "
                "rtau video --out-dir writes"
            )
        place = video or _video_of(result)
        shown, why = _shown_video(place, out, scratch=Path(scratch), options=options)
        content = _content(parts[0], place, shown=shown, why=why, options=options)
        write_text(out, report_page(content))
    return _row(content, out)


def write_reports(
    tables: Iterable[ResultTable], out_dir: Path, *, options: ReportOptions
) -> list[IndexRow]:
    """Writes a report for each table and an index into a folder; returns the rows of the index.

    A table whose report cannot be made is named, and does not stop the others.

    Raises:
        SinkError: the folder cannot be written.
    """
    make_folder(out_dir)
    rows = []
    for one in tables:
        name = one.name.as_posix().replace("/", "__")
        out = out_dir / f"{name}.html"
        try:
            row = write_report(None, one.path, out, options=options)
            # Videos of different folders may have one name.
            rows.append(dataclasses.replace(row, title=(one.name.parent / row.title).as_posix()))
            say(f"{one.path} -> {out}")
        except RtauError as error:
            rows.append(IndexRow(title=str(one.name), error=str(error)))
            say(str(error))
    write_text(out_dir / "index.html", index_page(rows))
    return rows


def _run(video: Path, scratch: Path, options: ReportOptions) -> Path:
    """Runs a video into a table in the scratch folder; returns it."""
    table = scratch / "table.csv"
    output = dataclasses.replace(options.config.output, csv=str(table))
    _run_with(video, dataclasses.replace(options.config, output=output), options)
    return table


def _run_with(video: Path, config: RunConfig, options: ReportOptions) -> None:
    outcome = run_source(
        lambda: open_source(str(video)),
        config,
        outputs=Outputs.of(config, inputs=[video]),
        views=lambda session: [open_view(session)],
        command=options.command,
    )
    if outcome.interrupted:
        raise KeyboardInterrupt


def _video_of(result: ResultTable) -> Path | None:
    """Returns the video that the run record names, where it still is; None if it is not found."""
    named = result.video
    if named is None:
        return None
    path = Path(named)
    beside = result.path.parent / path.name
    return next((place for place in (path, beside) if place.is_file()), None)


def _shown_video(
    video: Path | None, out: Path, *, scratch: Path, options: ReportOptions
) -> tuple[PageVideo | None, str]:
    """Returns the video of the page, or why there is none."""
    if options.video == "none":
        return None, "The report was made without the video."
    if video is None:
        return None, "The video of this table was not found."
    shown = video
    if options.blur or options.video == "copy":
        ending = ".blurred.mp4" if options.blur else ".copy.mp4"
        place = scratch if options.video == "embed" else out.parent
        shown = place / f"{out.stem}{ending}"
        output = dataclasses.replace(options.config.output, out=scratch / shown.name, csv=None)
        overlay = dataclasses.replace(options.config.overlay, blur=options.blur, bars=False)
        config = dataclasses.replace(options.config, output=output, overlay=overlay)
        _run_with(video, config, options)
        if shown.parent != scratch:
            shutil.move(scratch / shown.name, shown)
    kind = MEDIA_TYPES.get(shown.suffix.lower(), "video/mp4")
    if options.video != "embed":
        return PageVideo(_address(shown, out.parent), kind), ""
    if shown.stat().st_size > LARGEST_EMBEDDED_BYTES:
        raise UsageError(
            f"{video}: {shown.stat().st_size >> 20} MB are too many to embed (at most "
            f"{LARGEST_EMBEDDED_BYTES >> 20}); use --video link"
        )
    return PageVideo("", kind, shown.read_bytes()), ""


def _address(path: Path, folder: Path) -> str:
    """Returns the address of a file relative to a page in a folder."""
    relative = os.path.relpath(path.resolve(), folder.resolve())
    return urllib.parse.quote(Path(relative).as_posix())


def _content(
    found: FileEvents,
    video: Path | None,
    *,
    shown: PageVideo | None,
    why: str,
    options: ReportOptions,
) -> PageContent:
    result, selection = found.result, options.selection
    row = summary(
        result.table,
        selection.rule,
        thresholds=result.thresholds,
        by=selection.by,
        all_rows=selection.all_rows,
    )
    rows = [{name: row[name][k] for name in row.columns} for k in range(len(row))]
    numbers = sorted(set(result.table[names.FRAME].tolist()))
    source = (result.record or {}).get("source") or {}
    return PageContent(
        title=Path(result.video or result.name).name,
        frames=found.frames,
        numbers=numbers,
        events=sorted(found.events, key=lambda one: (one.onset_s, one.face, one.au)),
        pictures=_pictures(found, video, options=options),
        summaries={str(one["face"]): one for one in rows if one["face"] is not None},
        rule=selection.rule,
        thresholds=result.thresholds,
        record=result.record,
        video=shown,
        no_video=why,
        size=(int(source.get("width") or 0), int(source.get("height") or 0)),
    )


def _pictures(
    found: FileEvents, video: Path | None, *, options: ReportOptions
) -> dict[EventKey, bytes]:
    """Returns the pictures at the apexes; none without the video or the model of the run."""
    if not options.heatmaps or not found.events or video is None:
        return {}
    with _model_of(found.result, options) as model:
        if model is None:
            say(f"{found.result.path}: no heatmaps, the model of its run record is not here")
            return {}
        with contextlib.closing(
            open_engine(
                str(model),
                provider=options.config.model.provider,
                threads=options.config.model.threads,
            )
        ) as engine:
            return apex_pictures(
                video, found.frames.faces, found.events, engine=engine, blur=options.blur
            )


@contextlib.contextmanager
def _model_of(result: ResultTable, options: ReportOptions) -> Iterator[Path | None]:
    """Gives the model that made a table, or None where another file is in its place."""
    recorded = (result.record or {}).get("model")
    if recorded is None:
        yield find_model(options.config.model.model)
        return
    try:
        path = find_model(str(recorded["path"]))
    except UsageError:
        path = find_model(options.config.model.model)
    yield path if sha256_of(path) == recorded["sha256"] else None


def _row(content: PageContent, out: Path) -> IndexRow:
    frames = content.frames
    return IndexRow(
        title=content.title,
        page=urllib.parse.quote(out.name),
        seconds=float(frames.durations_s.sum()),
        faces=len(frames.faces),
        seen=max((float(one["seen"]) for one in content.summaries.values()), default=0.0),
        usable=max((float(one["usable"]) for one in content.summaries.values()), default=0.0),
        events=len(content.events),
        most=_most(content),
    )


def _most(content: PageContent) -> tuple[tuple[str, float], ...]:
    """Returns the three labels that are active longest, with their shares of the usable time."""
    shares: dict[str, float] = {}
    for row in content.summaries.values():
        for name, value in row.items():
            label = name.removeprefix("active_")
            if name.startswith("active_") and "_" not in label and value > 0:
                shares[label] = max(shares.get(label, 0.0), float(value))
    return tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:3])


def targets_of(sources: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Returns the single videos and the tables or folders among some sources.

    Raises:
        SourceOpenError: one does not exist.
    """
    for source in sources:
        if not source.exists():
            raise SourceOpenError(f"{source}: there is no such file or folder; check the path")
    videos = [one for one in sources if one.is_file() and one.suffix.lower() in VIDEO_SUFFIXES]
    return videos, [one for one in sources if one not in videos]
