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
from rtau.runs.outputs import Outputs
from rtau.runs.run_record import (
    FileRecord,
    RunRecord,
    failed,
    remove_run_record,
    write_run_record,
)
from rtau.runs.session import LoadedModel, load_model, run_source
from rtau.sinks.progress import ProgressSink
from rtau.sources import open_source


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


def run_into_one(files: Sequence[Path], config: RunConfig, *, command: Sequence[str]) -> int:
    """Runs files into the tables that are named; returns the exit code, 0 or 130.

    Raises:
        UsageError: what is asked for takes one source.
        RtauError: what ended the run of a file; the rows before it are kept.
    """
    for flag, value in {"--out": config.output.out, "--faces": config.find.faces}.items():
        if value is not None:
            raise UsageError(f"{flag} takes one source, got {len(files)}; run them one by one")
    if config.output.view not in ("auto", "none"):
        raise UsageError(f"--view {config.output.view} shows one source, got {len(files)}")
    outputs = Outputs.of(config.output, inputs=files)
    model = load_model(config.model)
    records: list[RunRecord] = []
    error: BaseException | None = None
    try:
        if outputs.record is not None:
            remove_run_record(outputs.record)
        return _run_each(files, config, outputs=outputs, model=model, command=command, to=records)
    except BaseException as caught:
        error = caught
        raise
    finally:
        model.engine.close()
        _write_record(records, error, files=files, outputs=outputs)


def _run_each(
    files: Sequence[Path],
    config: RunConfig,
    *,
    outputs: Outputs,
    model: LoadedModel,
    command: Sequence[str],
    to: list[RunRecord],
) -> int:
    """Runs the files, adds a record of each `to` a list, and closes the tables."""
    file = files[0]

    def file_of(_: int) -> str:
        return str(file)  # the one that runs

    with contextlib.ExitStack() as opened:
        made = outputs.open_sinks(config.output, contract=model.engine.contract, file_of=file_of)
        sinks = [opened.enter_context(contextlib.closing(sink)) for sink in made]
        for file in files:
            outcome = run_source(
                functools.partial(open_source, str(file)),
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


def _write_record(
    records: Sequence[RunRecord],
    error: BaseException | None,
    *,
    files: Sequence[Path],
    outputs: Outputs,
) -> None:
    """Writes the record of all runs, if one began; `error` is what ended the last."""
    if not records or outputs.record is None:
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
        outputs=outputs.named(),
        output_bytes=outputs.sizes(),
        notes=[note for one in records for note in one.notes],
        files=[FileRecord.of(one) for one in records],
    )
    write_run_record(outputs.record, whole)
