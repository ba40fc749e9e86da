"""Several files into one table: a run per file, one after the other, and one record for all.

The rows have a leading column `file`; frames, times and track numbers begin anew with each file.
`rtau video` calls it where several sources and one table are named.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from rtau.config import RunConfig
from rtau.data import FrameResult, Picture
from rtau.errors import UsageError
from rtau.protocols import Sink, SinkReport
from rtau.runs.log import say
from rtau.runs.outputs import OpenOutputs, Outputs
from rtau.runs.run_record import FileRecord, RunRecord, failed
from rtau.runs.session import LoadedModel, load_model, run_source, settled
from rtau.sinks.progress import ProgressSink
from rtau.sources import open_file


class KeptOpen:
    """A sink that stays open when a run closes it. Satisfies `rtau.protocols.Sink`."""

    def __init__(self, sink: Sink) -> None:
        """Writes to `sink`, which the caller closes."""
        self._sink = sink
        self.name, self.is_view, self.is_slow = sink.name, sink.is_view, sink.is_slow
        self.wants_overlay = sink.wants_overlay

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Writes to the sink, and raises what it raises."""
        self._sink.write(result, picture)

    def report(self) -> SinkReport:
        """Returns the sink's report."""
        return self._sink.report()

    def close(self) -> None:
        """Does nothing: the next run goes on."""


def run_into_one(
    files: Sequence[Path],
    config: RunConfig,
    *,
    command: Sequence[str],
    inputs: Sequence[Path | None] = (),
    notes: Sequence[str] = (),
) -> int:
    """Runs files into the tables that are named; returns the exit code, 0 or 130.

    Args:
        files: the videos.
        config: the settings of every run.
        command: the command line, for the record.
        inputs: other files that are read, and must not be written.
        notes: remarks on the choice of the files, for the record.

    Raises:
        UsageError: what is asked for takes one source.
        RtauError: what ended the run of a file; the rows before it are kept.
    """
    alone = {
        "--out": config.output.out,
        "--faces": config.find.faces,
        "--neutral": config.decide.neutral,
    }
    for flag, value in alone.items():
        if value is not None:
            raise UsageError(f"{flag} takes one source, got {len(files)}; run them one by one")
    if config.output.view not in ("auto", "none"):
        raise UsageError(f"--view {config.output.view} shows one source, got {len(files)}")
    outputs = Outputs.of(config, inputs=[*files, *inputs])
    records: list[RunRecord] = []
    error: BaseException | None = None
    with contextlib.ExitStack() as opened:
        model = load_model(config.model)
        opened.callback(model.engine.close)
        tables = OpenOutputs(outputs)
        opened.callback(tables.release)
        try:
            return _run_each(files, config, tables=tables, model=model, command=command, to=records)
        except BaseException as caught:
            error = caught
            raise
        finally:
            _settle(records, error, files=files, tables=tables, notes=notes)


def _run_each(
    files: Sequence[Path],
    config: RunConfig,
    *,
    tables: OpenOutputs,
    model: LoadedModel,
    command: Sequence[str],
    to: list[RunRecord],
) -> int:
    """Runs the files, adds a record of each `to` a list, and closes the tables."""
    file = files[0]

    def file_of(_: int) -> str:
        return str(file)  # the one that runs

    with contextlib.ExitStack() as opened:
        made = tables.sinks(
            config.output,
            contract=model.engine.contract,
            file_of=file_of,
            seats=bool(config.find.seat),
        )
        sinks = [opened.enter_context(contextlib.closing(sink)) for sink in made]
        for file in files:
            outcome = run_source(
                functools.partial(open_file, file),
                config,
                outputs=Outputs(),
                views=lambda session: [
                    *map(KeptOpen, sinks),
                    ProgressSink(sys.stderr, status=session.status),
                ],
                command=command,
                model=model,
                take_record=to.append,
            )
            say(f"{file}: {outcome}")
            # A reader of standard output that went away wants none of the other files either.
            if outcome.interrupted or outcome.summary.end == "stopped":
                return outcome.exit_code
    return 0


def _settle(
    records: Sequence[RunRecord],
    error: BaseException | None,
    *,
    files: Sequence[Path],
    tables: OpenOutputs,
    notes: Sequence[str],
) -> None:
    """Puts the tables in their places with the record of all runs, if one began.

    `error` is what ended the last run.
    """
    if not records:
        tables.discard()
        return
    first, last = records[0], records[-1]
    frames = sum(one.frames_processed for one in records)
    wall_s = sum(one.wall_s for one in records)
    assert first.source is not None  # a record is made once the source is open
    whole = dataclasses.replace(
        first,
        finished_utc=last.finished_utc,
        end_reason=last.end_reason if error is None else failed(error),
        source=dataclasses.replace(first.source, name=f"{len(files)} files", file=None),
        frames_read=sum(one.frames_read for one in records),
        frames_processed=frames,
        frames_dropped=sum(one.frames_dropped for one in records),
        frames_corrupt=sum(one.frames_corrupt for one in records),
        tracks=sum(one.tracks for one in records),
        wall_s=round(wall_s, 3),
        processed_fps=round(frames / wall_s, 2) if wall_s else 0.0,
        stage_ms={},  # percentiles of several runs do not add up; each file has its own below
        output_bytes=tables.sizes(),
        notes=[*tables.leftovers, *notes, *(note for one in records for note in one.notes)],
        files=[FileRecord.of(one) for one in records],
    )
    where = settled(tables, whole, is_live=False)
    if error is not None:
        tables.explain(error, where=where)
    elif where is not tables.outputs:
        say(where.kept_words())
