"""Runs one open source by its settings, and keeps the record of the run.

`rtau.runs.build` builds the runner, the verb its sinks; decides nothing about images. `video`,
`webcam` and `image` call `run_session` and turn its outcome into an exit code.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rtau import __version__
from rtau.config import RunConfig
from rtau.errors import RtauError
from rtau.execution.runner import Runner, RunSummary
from rtau.faces.detection_policy import DetectionPolicy
from rtau.protocols import Engine, Sink, Source
from rtau.runs import run_record
from rtau.runs.build import build_runner, check_landmarks, view_controls
from rtau.runs.interrupts import INTERRUPTED, stopping_with
from rtau.runs.run_record import (
    FileStamp,
    ModelRecord,
    RunRecord,
    SourceRecord,
    remove_run_record,
    utc_now,
    write_run_record,
)
from rtau.sinks import STDOUT
from rtau.status import ViewControls, ViewStatus
from rtau.timing import Percentiles

# Builds the sinks of a run when source and engine are open and the controls exist.
SinkBuilder = Callable[["Session"], list[Sink]]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Session:
    """The open parts of one run, before its sinks exist."""

    config: RunConfig
    source: Source
    engine: Engine
    model_path: Path
    controls: ViewControls
    command: Sequence[str]
    status: Callable[[], ViewStatus]
    stamp: FileStamp | None = None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a run ended."""

    summary: RunSummary
    interrupted: bool

    @property
    def exit_code(self) -> int:
        """0 done, 130 interrupted; failures are exceptions."""
        return INTERRUPTED if self.interrupted else 0


class _Status:
    """Answers `status()` for views that are built before the runner is."""

    def __init__(self) -> None:
        self.read: Callable[[], ViewStatus] | None = None

    def __call__(self) -> ViewStatus:
        if self.read is None:
            raise AssertionError("a view asked for the status before the run began")
        return self.read()


def run_session(  # noqa: PLR0913 - the parts of a run
    source: Source,
    engine: Engine,
    *,
    config: RunConfig,
    model_path: Path,
    sinks: SinkBuilder,
    record: Path | None,
    outputs: dict[str, str],
    command: Sequence[str],
    policy: DetectionPolicy,
    tracker: str = "iou",
) -> Outcome:
    """Runs one source to its end and writes the record; closes the source and the sinks.

    The record is written for failed and interrupted runs as well.

    Raises:
        RtauError: whatever ended the run; the record has its text.
    """
    started_utc = utc_now()
    status = _Status()
    try:
        controls = view_controls(config, engine.contract)
        check_landmarks(config, engine.contract)
        session = Session(
            config, source, engine, model_path, controls, command, status, stamp=_stamp(source)
        )
        if record is not None:
            remove_run_record(record)
        built = sinks(session)
        runner = build_runner(
            source,
            engine,
            config=config,
            controls=controls,
            sinks=built,
            policy=policy,
            tracker=tracker,
        )
    except BaseException:
        source.close()
        raise
    status.read = _status_reader(runner, source=source, engine=engine)
    error: BaseException | None = None
    with stopping_with(runner.stop) as interrupts:
        try:
            runner.run()
        except BaseException as caught:  # noqa: BLE001 - raised again when the record is written
            error = caught
    if record is not None:
        end = _end_reason(runner.summary, error=error, interrupted=interrupts.seen)
        found = _record(session, runner.summary, started_utc=started_utc, end=end, sinks=built)
        sizes = _sizes(outputs)
        write_run_record(record, dataclasses.replace(found, outputs=outputs, output_bytes=sizes))
    if error is not None:
        raise error
    return Outcome(summary=runner.summary, interrupted=interrupts.seen)


def _status_reader(runner: Runner, *, source: Source, engine: Engine) -> Callable[[], ViewStatus]:
    """Returns what views call for the numbers they show."""
    started_s = time.perf_counter()
    fixed: dict[str, Any] = {
        "source": source.info.name,
        "model": engine.contract.name,
        "device": engine.device,
        "is_live": source.is_live,
        "frames_total": source.info.frame_count,
    }

    def read() -> ViewStatus:
        progress = runner.progress
        # A file's frames wait in the queue by design: their latency says nothing.
        measured = source.is_live and progress.latency.samples > 0
        return ViewStatus(
            **fixed,
            frames_done=progress.frames_done,
            fps=progress.fps or None,
            latency_p50_s=progress.latency.p50_s if measured else None,
            latency_p95_s=progress.latency.p95_s if measured else None,
            dropped=progress.frames_dropped,
            corrupt=progress.frames_corrupt,
            elapsed_s=time.perf_counter() - started_s,
        )

    return read


def _end_reason(summary: RunSummary, *, error: BaseException | None, interrupted: bool) -> str:
    if interrupted or isinstance(error, KeyboardInterrupt):
        return run_record.INTERRUPTED
    if error is not None:
        return run_record.failed(error)
    return run_record.STOPPED_BY_USER if summary.end == "stopped" else summary.end


def _record(
    session: Session, summary: RunSummary, *, started_utc: str, end: str, sinks: Sequence[Sink]
) -> RunRecord:
    source = session.source
    live = source.is_live
    notes = [note for sink in sinks if (note := getattr(sink, "note", None))]
    audio = [found for sink in sinks if (found := getattr(sink, "audio", None)) is not None]
    return RunRecord(
        rtau_version=__version__,
        command=list(session.command),
        started_utc=started_utc,
        finished_utc=utc_now(),
        end_reason=end,
        source=SourceRecord.of(source.info, is_live=live, file=session.stamp),
        model=ModelRecord.of(session.engine.contract, session.model_path),
        device=session.engine.device,
        settings=session.config.to_dict(),
        frames_read=summary.frames_read,
        frames_processed=summary.frames_done,
        frames_dropped=summary.frames_dropped,
        frames_corrupt=summary.frames_corrupt,
        tracks=summary.tracks,
        reconnects=getattr(source, "reconnects", 0),
        wall_s=round(summary.wall_s, 3),
        processed_fps=round(summary.fps, 2),
        stage_ms={name: _ms(found) for name, found in summary.stages.items()},
        latency_ms=_ms(summary.latency) if live else None,
        outputs={},
        audio=audio[0] if audio else None,
        notes=[*notes, *getattr(source, "notes", ()), *summary.lost_views],
    )


def _stamp(source: Source) -> FileStamp | None:
    """Returns which state of its file a source reads; None for what is no video file."""
    origin = getattr(source, "origin", None)
    return None if origin is None else FileStamp.of(origin.path)


def _sizes(outputs: dict[str, str]) -> dict[str, int]:
    """Returns the sizes of the result files, bytes; a video without a frame leaves none."""
    return {
        kind: Path(place).stat().st_size
        for kind, place in outputs.items()
        if kind != "record" and place != STDOUT and Path(place).is_file()
    }


def _ms(found: Percentiles) -> dict[str, float]:
    return {
        "p50": round(found.p50_s * 1e3, 3),
        "p95": round(found.p95_s * 1e3, 3),
        "p99": round(found.p99_s * 1e3, 3),
    }


def describe(error: RtauError) -> str:
    """Returns the error as the one line a table or a log has room for."""
    return " ".join(str(error).split())
