"""Runs one source by its settings: opens the parts, runs them, writes the run record.

`run_source` is the one way a source is run: the verbs of the command line and the workers of a
batch call it. The parts are built by `rtau.runs.build`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rtau import __version__
from rtau.backends import find_model, open_engine
from rtau.baseline import Baseline
from rtau.config import FindConfig, ModelConfig, RunConfig
from rtau.errors import UsageError
from rtau.execution.runner import Progress, Runner, RunSummary
from rtau.markers import Markers
from rtau.protocols import Engine, Sink, Source
from rtau.runs import run_record
from rtau.runs.build import (
    build_runner,
    check_tables,
    is_streaming,
    takes_markers,
    view_controls,
)
from rtau.runs.interrupts import stopping_with
from rtau.runs.log import counted
from rtau.runs.neutrals import neutral_record, open_baseline
from rtau.runs.outcome import Outcome
from rtau.runs.outputs import OpenOutputs, Outputs
from rtau.runs.run_record import (
    FileStamp,
    ModelRecord,
    RunRecord,
    SourceRecord,
    utc_now,
    write_run_record,
)
from rtau.shown import message, without_token
from rtau.sources.excerpt import Excerpt
from rtau.status import ViewControls, ViewStatus
from rtau.timing import Percentiles

# A live source that gives nothing for so long is said to be silent, seconds.
SILENT_S = 2.0
# Ends of a run whose results are whole.
WHOLE = (run_record.END_OF_SOURCE, run_record.FRAME_LIMIT, run_record.STOPPED_BY_USER)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model that is ready to run."""

    engine: Engine
    path: Path
    """The model file."""


def load_model(config: ModelConfig) -> LoadedModel:
    """Returns the model of the settings; the caller closes its engine.

    Raises:
        RtauError: the model is missing or broken, or its provider is not available.
    """
    path = find_model(config.model)
    engine = open_engine(str(path), provider=config.provider, threads=config.threads)
    return LoadedModel(engine, path)


@dataclasses.dataclass(slots=True, eq=False)
class Session:
    """The open parts of one run; the runner exists once the sinks do."""

    config: RunConfig
    source: Source
    model: LoadedModel
    outputs: Outputs
    files: OpenOutputs
    controls: ViewControls
    command: Sequence[str]
    stamp: FileStamp | None
    """State of the video file when it was opened; None for other sources."""
    notes: Sequence[str] = ()
    """Remarks on the choice of the source, for the record."""
    started_utc: str = dataclasses.field(default_factory=utc_now)
    started_s: float = dataclasses.field(default_factory=time.perf_counter)
    runner: Runner | None = None
    markers: Markers | None = None
    """Where events come from; None in a run that takes none."""
    baseline: Baseline | None = None
    """The neutrals of the faces; None in a run that takes none."""
    are_images: bool = False
    """Whether the frames are images that are no sequence."""

    def stop(self) -> None:
        """Ends the run after the frames in work, also in a pause."""
        assert self.runner is not None, "a run was stopped before it started"
        self.runner.stop()

    def status(self) -> ViewStatus:
        """Returns what views show of the run at this moment."""
        source, engine = self.source, self.model.engine
        # A client of a server may ask before the run has begun.
        progress = Progress() if self.runner is None else self.runner.progress
        # Frames of a file wait in the queue by design: their latency means nothing.
        is_paused = self.controls.is_paused
        has_latency = source.is_live and progress.latency.samples > 0
        return ViewStatus(
            source=message(source.info.name),
            model=engine.contract.name,
            device=engine.device,
            is_live=source.is_live,
            frames_total=source.info.frame_count,
            frames_done=progress.frames_done,
            fps=progress.fps or None,
            latency_p50_s=progress.latency.p50_s if has_latency else None,
            latency_p95_s=progress.latency.p95_s if has_latency else None,
            dropped=progress.frames_dropped,
            corrupt=progress.frames_corrupt,
            elapsed_s=time.perf_counter() - self.started_s,
            notices=_notices(
                source.report().reconnects,
                progress.lost_views,
                waits_s=progress.since_frame_s if source.is_live and not is_paused else 0.0,
                others=() if self.baseline is None else self.baseline.notices,
            ),
            is_paused=is_paused,
            decide_by=self.config.decide.decide_by,
        )


def run_source(  # noqa: PLR0913 - what differs between the callers
    open_source: Callable[[], Source],
    config: RunConfig,
    *,
    outputs: Outputs,
    views: Callable[[Session], Iterable[Sink]],
    command: Sequence[str],
    model: LoadedModel | None = None,
    images: Sequence[Path] | None = None,
    take_record: Callable[[RunRecord], object] | None = None,
    notes: Sequence[str] = (),
) -> Outcome:
    """Runs one source to any end, writes the record of that and closes what it opened.

    Args:
        open_source: opens the source; called once the model is loaded.
        config: the settings of the run.
        outputs: the files to write.
        views: returns the sinks of the run besides the files.
        command: the command line, for the record.
        model: stays open; None loads the model of the settings and closes it.
        images: the files of a source of unrelated images, by frame index; disables tracking.
        take_record: gets the run record.
        notes: remarks on the choice of the source, for the record.

    Raises:
        RtauError: what ended the run; its text is in the record.
    """
    check_excerpt(config, has_video=outputs.video is not None)
    with contextlib.ExitStack() as opened:
        if model is None:
            model = load_model(config.model)
            opened.callback(model.engine.close)
        session, runner, sinks = _open(
            open_source,
            config,
            model=model,
            outputs=outputs,
            views=views,
            command=command,
            images=images,
        )
        session.notes = notes
        opened.callback(session.files.release)
        error: BaseException | None = None
        with stopping_with(session.stop) as interrupts:
            try:
                runner.run()
            except BaseException as caught:  # noqa: BLE001 - raised again after the record is written
                error = caught
            end = _end_reason(runner.summary, error=error, interrupted=interrupts.seen)
            record = _record(session, runner.summary, end=end, sinks=sinks)
            if take_record is not None:
                take_record(record)
            outputs = settled(session.files, record, is_live=session.source.is_live, of=session)
        if error is not None:
            session.files.explain(error, where=outputs)
            raise error
        return _outcome(session, record, runner.summary, where=outputs, seen=interrupts.seen)


def _excerpt(source: Source, config: RunConfig) -> Source:
    """Returns the part of a source that is asked for."""
    part = config.source
    if (part.start, part.end, part.every) == (0, None, 1):
        return source
    return Excerpt(source, start_s=part.start, end_s=part.end, every=part.every)


def _outcome(
    session: Session, record: RunRecord, summary: RunSummary, *, where: Outputs, seen: bool
) -> Outcome:
    """Returns how a run ended; the notes on the choice of its source are said before it begins.

    `seen` is whether an interruption was.
    """
    said = (*summary.lost_views, *session.notes)
    rest = tuple(note for note in record.notes if note not in said)
    kept = where != session.outputs
    return Outcome(summary, seen, where, kept=kept, notes=rest)


def check_excerpt(config: RunConfig, *, has_video: bool) -> None:
    """Raises UsageError if an annotated video would lack frames before or between others."""
    part = config.source
    if has_video and (part.start > 0 or part.every > 1):
        raise UsageError(
            "--start and --every are for tables, an annotated video would have gaps; leave out "
            "--out, or with --out-dir add --write csv"
        )


def settled(
    files: OpenOutputs, record: RunRecord, *, is_live: bool, of: Session | None = None
) -> Outputs:
    """Puts the results of a run in their places and writes its record; returns where they are.

    The neutrals of a session go beside the record. A live run has no other end than an
    interruption, which is therefore a regular one.
    """
    end = record.end_reason
    outputs = files.settle(
        is_whole=end in WHOLE or (end == run_record.INTERRUPTED and is_live),
        has_frames=record.frames_processed > 0,
    )
    if outputs.record is not None:
        end = files.renamed(end, where=outputs)
        record = dataclasses.replace(record, outputs=outputs.named(), end_reason=end)
        if of is not None and of.baseline is not None:
            neutral = neutral_record(of.baseline, of.config.decide, run_record=outputs.record)
            record = dataclasses.replace(record, neutral=neutral)
        write_run_record(outputs.record, record)
    return outputs


def _open(
    open_source: Callable[[], Source],
    config: RunConfig,
    *,
    model: LoadedModel,
    outputs: Outputs,
    views: Callable[[Session], Iterable[Sink]],
    command: Sequence[str],
    images: Sequence[Path] | None,
) -> tuple[Session, Runner, list[Sink]]:
    """Returns the parts of a run; the runner owns source and sinks, which are closed on failure."""
    source = _excerpt(open_source(), config)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(source.close)
        baseline = open_baseline(
            config,
            model.engine,
            open_source=open_source,
            is_live=source.is_live,
            is_sequence=images is None,
        )
        controls = view_controls(config, model.engine.contract)
        check_tables(config, model.engine.contract)
        files = OpenOutputs(outputs)
        on_failure.callback(files.release)
        on_failure.callback(files.discard)
        session = Session(config, source, model, outputs, files, controls, command, _stamp(source))
        session.markers = Markers() if is_streaming(config) else None
        session.baseline, session.are_images = baseline, images is not None
        if baseline is not None and source.is_live:
            controls.ask_neutral = baseline.ask
        results = files.sinks(
            config.output,
            contract=model.engine.contract,
            source=source,
            file_of=None if images is None else lambda index: str(images[index]),
            seats=bool(config.find.seat),
            markers=takes_markers(config),
            neutral=baseline is not None,
        )
        sinks = [on_failure.enter_context(contextlib.closing(sink)) for sink in results]
        sinks += [on_failure.enter_context(contextlib.closing(sink)) for sink in views(session)]
        runner = build_runner(
            source,
            model.engine,
            config=config,
            controls=controls,
            sinks=sinks,
            is_sequence=images is None,
            markers=session.markers,
            baseline=baseline,
        )
        on_failure.pop_all()
    session.runner = runner
    return session, runner, sinks


def _end_reason(summary: RunSummary, *, error: BaseException | None, interrupted: bool) -> str:
    if interrupted or isinstance(error, KeyboardInterrupt):
        return run_record.INTERRUPTED
    if error is not None:
        return run_record.failed(error)
    return run_record.STOPPED_BY_USER if summary.end == "stopped" else summary.end


def _record(session: Session, summary: RunSummary, *, end: str, sinks: Sequence[Sink]) -> RunRecord:
    source, model, live = session.source, session.model, session.source.is_live
    report = source.report()
    reports = [sink.report() for sink in sinks]
    notes = [one.note for one in reports if one.note]
    audio = [one.audio for one in reports if one.audio is not None]
    return RunRecord(
        rtau_version=__version__,
        command=without_token(session.command),
        started_utc=session.started_utc,
        finished_utc=utc_now(),
        end_reason=end,
        source=SourceRecord.of(source.info, is_live=live, file=session.stamp),
        model=ModelRecord.of(model.engine.contract, model.path),
        device=model.engine.device,
        settings=session.config.to_dict(),
        frames_read=summary.frames_read,
        frames_processed=summary.frames_done,
        frames_dropped=summary.frames_dropped,
        frames_corrupt=summary.frames_corrupt,
        tracks=summary.tracks,
        reconnects=report.reconnects,
        wall_s=round(summary.wall_s, 3),
        processed_fps=round(summary.fps, 2),
        stage_ms={name: _ms(found) for name, found in summary.stages.items()},
        latency_ms=_ms(summary.latency) if live else None,
        outputs=session.outputs.named(),
        output_bytes=session.files.sizes(),
        audio=audio[0] if audio else None,
        notes=[
            *session.files.leftovers,
            *session.notes,
            *notes,
            *report.notes,
            *summary.lost_views,
            *_about_no_face(summary, session.config.find, are_images=session.are_images),
            *_about_pauses(summary, live=live),
            *(() if session.baseline is None else session.baseline.refusals),
        ],
    )


def _about_no_face(summary: RunSummary, find: FindConfig, *, are_images: bool) -> list[str]:
    if summary.tracks or not summary.frames_done or find.faces is not None:
        return []
    size = find.min_face
    if size == "auto":
        size = f"{'1/48' if are_images else '1/12'} of the picture's shorter side"
        size += " and of 24 px" if are_images else ""
    return [f"no face of {size} or more was found (--min-face)"]


def _about_pauses(summary: RunSummary, *, live: bool) -> list[str]:
    if not summary.paused_s:
        return []
    lost = "; frames that came meanwhile are neither in the results nor among the dropped"
    return [f"paused for {summary.paused_s:.1f} s{lost if live else ''}"]


def _notices(
    reconnects: int, lost_views: Sequence[str], *, waits_s: float, others: Sequence[str]
) -> tuple[str, ...]:
    """Returns what the viewer of a run should know of it, a sentence each."""
    notices = [f"no frame for {waits_s:.0f} s"] if waits_s >= SILENT_S else []
    notices += others
    if reconnects:
        notices.append(f"the stream was lost and is back ({counted(reconnects, 'time')})")
    return (*notices, *(f"lost view {view}" for view in lost_views))


def _stamp(source: Source) -> FileStamp | None:
    """Returns the state of the video file a source reads; None for other sources."""
    origin = source.report().origin
    return None if origin is None or origin.path is None else FileStamp.of(origin.path)


def _ms(found: Percentiles) -> dict[str, float]:
    return {
        "p50": round(found.p50_s * 1e3, 3),
        "p95": round(found.p95_s * 1e3, 3),
        "p99": round(found.p99_s * 1e3, 3),
    }
