"""Runs a batch of files: plans it, skips what is done, runs the rest in workers, records it.

`rtau video --out-dir` calls it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rtau import __version__
from rtau.backends import find_model
from rtau.config import RunConfig
from rtau.contract import sha256_of
from rtau.errors import BackendUnavailable, UsageError
from rtau.runs.analyses import Selection, merge, summary_of
from rtau.runs.batch._process_pool import ProcessPool
from rtau.runs.batch._progress_view import BatchView, show_failures
from rtau.runs.batch._reports import (
    BATCH_RECORD,
    BatchRecord,
    Event,
    FileReport,
    JobEnded,
    JobStarted,
)
from rtau.runs.batch._resume import NO_RECORD, Fingerprint, reason_to_rerun
from rtau.runs.batch._worker import JobSpec
from rtau.runs.batch._worker_pool import StopToken, WorkerPool
from rtau.runs.batch.plan import FileJob, check_jobs, kinds_of, plan
from rtau.runs.interrupts import INTERRUPTED, stopping_with
from rtau.runs.log import counted, say
from rtau.runs.outputs import files_read
from rtau.runs.result_tables import read_result
from rtau.runs.run_record import failed, utc_now
from rtau.runs.session import check_excerpt
from rtau.sinks import FileLock
from rtau.sources import LeftOut

# What `--merge` writes into the folder of the results.
MERGED, SUMMARY = "all.csv", "summary.csv"
# Arguments of a long command line that a run record keeps from either end: with thousands of files
# given one by one, each of thousands of records would repeat them all.
KEPT_ARGUMENTS = 20


@dataclasses.dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options of a batch, besides the settings of its runs."""

    sources: tuple[str, ...]
    """Files, folders and patterns."""
    out_dir: Path
    """The folder of the results."""
    write: str | None = None
    """Kinds of results, comma-separated; None for the default."""
    jobs: int | None = None
    """Files at a time; 0 for one per core, None for the default."""
    resume: bool = False
    """Skip files that are done."""
    fail_fast: bool = False
    """Start no further file after a failure."""
    full_names: bool = False
    """Keep the suffixes of the files in the names of the results."""
    merge: bool = False
    """Write one table of all files and a summary in the end."""
    cluster: str | None = None
    """Address of a Ray cluster; None for processes of this machine."""
    config_file: Path | None = None
    """The file of settings, which no result may replace."""


def run_batch(options: BatchOptions, config: RunConfig, *, command: Sequence[str]) -> int:
    """Runs the files; returns the exit code: 0 all done, 1 any failed, 130 interrupted.

    Raises:
        RtauError: options that exclude each other, or workers that cannot run any file.
    """
    check_options(options, config)
    planned = plan(
        options.sources,
        out_dir=options.out_dir,
        kinds=kinds_of(options.write),
        full_names=options.full_names,
    )
    if planned.excluded:
        say(f"{planned.excluded} videos below {options.out_dir} are results and were left out")
    if planned.renamed:
        say(
            f"{planned.renamed} videos differ in their suffix alone: their results keep it, "
            "such as a.mov.csv"
        )
    if line := str(planned.left_out):
        say(line)
    jobs: Sequence[FileJob] = planned.jobs
    if options.cluster is not None:  # other machines have other working directories
        jobs = [job.absolute() for job in jobs]
        config = with_absolute_paths(config)
    settings = [] if options.config_file is None else [options.config_file]
    check_jobs(jobs, inputs=[*files_read(config), *settings])
    with contextlib.closing(FileLock(options.out_dir / BATCH_RECORD)):
        batch = _Batch(options, config, jobs=jobs, command=command, left_out=planned.left_out)
        return batch.run()


def check_options(options: BatchOptions, config: RunConfig) -> None:
    """Checks that the settings apply to a batch.

    Raises:
        UsageError: they name outputs or views of a single run, or exclude `--resume`.
    """
    check_excerpt(config, has_video="mp4" in kinds_of(options.write))
    if options.merge and "csv" not in kinds_of(options.write):
        raise UsageError("--merge joins the CSV files: add csv to --write")
    output = config.output
    if any((output.out, output.csv, output.parquet, output.jsonl, output.record)):
        raise UsageError(
            "--out-dir names the outputs itself; leave out --out, --csv, --parquet, --jsonl and "
            "--record, and choose the kinds of results with --write"
        )
    if output.view not in ("auto", "none"):
        raise UsageError(
            f"--view {output.view} shows a single run, --out-dir the progress of all files; "
            "leave out one of them"
        )
    if options.resume and config.find.faces is not None:
        raise UsageError("--resume cannot detect changed boxes of --faces; leave out one of them")


class _Batch:
    """A batch in progress, with a report per file."""

    def __init__(
        self,
        options: BatchOptions,
        config: RunConfig,
        *,
        jobs: Sequence[FileJob],
        command: Sequence[str],
        left_out: LeftOut,
    ) -> None:
        self._options = options
        self._config = config
        self._jobs = jobs
        self._model = find_model(config.model.model)
        self._stop_token = StopToken()
        self._started_s = time.perf_counter()
        self._reports = [FileReport(str(job.file), "not begun") for job in jobs]
        self._record = BatchRecord(
            rtau_version=__version__,
            command=command,
            started_utc=utc_now(),
            finished_utc=None,
            end_reason="running",
            workers="none",
            model={"path": str(self._model), "sha256": sha256_of(self._model)},
            settings=config.to_dict(),
            seconds=0.0,
            files=self._reports,
            left_out=left_out,
        )

    def run(self) -> int:
        """Returns the exit code; `batch.json` is written however the batch ends."""
        self._write("running")  # replaces the record of an earlier batch
        end = "interrupted"
        try:
            todo = self._pending_jobs()
            if todo and self._work(todo):
                return INTERRUPTED
            end = "failed" if self._failed() else "done"
            if self._options.merge:
                self._merge()
        except Exception as error:
            end = failed(error)
            raise
        finally:
            self._write(end)
            show_failures(self._reports, sys.stderr)
            self._print_summary()
        return int(end == "failed")

    def _pending_jobs(self) -> list[int]:
        """Returns the indices of the files to run, and prints what is skipped and why not."""
        if not self._options.resume:
            return list(range(len(self._jobs)))
        fingerprint = Fingerprint(__version__, self._record.model["sha256"], self._config.to_dict())
        todo = []
        for k, job in enumerate(self._jobs):
            reason = reason_to_rerun(job, fingerprint)
            if reason is None:
                self._reports[k] = FileReport(str(job.file), "skipped")
                continue
            todo.append(k)
            if reason != NO_RECORD:
                say(f"{job.file}: again: {reason}")
        say(f"{len(self._jobs) - len(todo)} of {len(self._jobs)} files were done and are skipped")
        return todo

    def _work(self, todo: Sequence[int]) -> bool:
        """Runs the files of these indices; returns whether the user interrupted the batch."""
        jobs = [self._jobs[k] for k in todo]
        with (
            _workers(self._options, self._config, most=len(jobs)) as workers,
            stopping_with(self._stop_token.stop) as interrupts,
            contextlib.closing(BatchView([str(job.file) for job in jobs], sys.stderr)) as view,
        ):
            self._record = dataclasses.replace(self._record, workers=workers.description)
            spec = JobSpec(
                self._config,
                shorten_command(self._record.command),
                threads=workers.threads,
                model_sha256=self._record.model["sha256"],
            )
            with contextlib.closing(
                workers.work(jobs, spec, stop_token=self._stop_token)
            ) as events:
                for event in events:
                    view.show(event)
                    self._record_event(event, todo)
        return interrupts.seen

    def _record_event(self, event: Event, todo: Sequence[int]) -> None:
        k = todo[event.job]
        if isinstance(event, JobStarted):
            # Its status if no further event arrives.
            self._reports[k] = dataclasses.replace(self._reports[k], status="interrupted")
        elif isinstance(event, JobEnded):
            self._reports[k] = event.report
            if self._options.fail_fast and event.report.status == "failed":
                self._stop_token.no_new_jobs = True

    def _merge(self) -> None:
        """Writes the rows and the summary of all files that are done."""
        folder = self._options.out_dir
        done = [
            job
            for job, report in zip(self._jobs, self._reports, strict=True)
            if report.status in ("done", "skipped")
        ]
        if not done:
            return
        below = [job.stem.absolute().relative_to(folder.absolute()) for job in done]
        tables = [Path(job.outputs.csv or "") for job in done]
        merge(
            [(name.as_posix(), path) for name, path in zip(below, tables, strict=True)],
            folder / MERGED,
        )
        results = (read_result(path, name=name) for name, path in zip(below, tables, strict=True))
        summary_of(results, Selection()).to_csv(folder / SUMMARY)
        say(f"{counted(len(done), 'file')} -> {folder / MERGED}, {folder / SUMMARY}")

    def _failed(self) -> bool:
        return any(report.status == "failed" for report in self._reports)

    def _write(self, end: str) -> None:
        running = end == "running"
        seconds = round(time.perf_counter() - self._started_s, 3)
        self._record = dataclasses.replace(
            self._record,
            finished_utc=None if running else utc_now(),
            end_reason=end,
            seconds=0.0 if running else seconds,
        )
        self._record.write(self._options.out_dir / BATCH_RECORD)

    def _print_summary(self) -> None:
        counts = self._record.counts
        skipped = counts.get("skipped", 0)
        done = counts.get("done", 0) + skipped
        rest = "".join(
            f", {counts[status]} {status}"
            for status in ("failed", "interrupted", "not begun")
            if status in counts
        )
        before = f" ({skipped} before)" if skipped else ""
        folders = len(self._record.left_out.closed)
        closed = f", {counted(folders, 'folder')} not entered" if folders else ""
        say(
            f"{done} of {len(self._reports)} sources done{before}{rest}{closed}, "
            f"{self._record.seconds:.1f} s, {self._record.fps:.1f} fps -> "
            f"{self._options.out_dir / BATCH_RECORD}"
        )


def shorten_command(command: Sequence[str]) -> tuple[str, ...]:
    """Returns the command for the run records, without the middle of a very long one."""
    if len(command) <= 2 * KEPT_ARGUMENTS:
        return tuple(command)
    left_out = f"... {len(command) - 2 * KEPT_ARGUMENTS} arguments: see {BATCH_RECORD} ..."
    return (*command[:KEPT_ARGUMENTS], left_out, *command[-KEPT_ARGUMENTS:])


def _workers(
    options: BatchOptions, config: RunConfig, *, most: int
) -> AbstractContextManager[WorkerPool]:
    """Returns the worker pool, open inside a `with` block, for at most `most` files at a time.

    Raises:
        BackendUnavailable: a cluster was given and ray is not installed.
    """
    if options.cluster is None:
        wanted = 1 if options.jobs is None else options.jobs
        return contextlib.nullcontext(ProcessPool(wanted, most=most))
    try:
        module = importlib.import_module("rtau.runs.batch._ray_pool")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"--cluster needs the Python module {error.name!r}, which is not installed; "
            'install it: pip install "rtau[ray]"'
        ) from None
    cluster: AbstractContextManager[WorkerPool] = module.RayPool(
        options.cluster, jobs=options.jobs or 0, config=config
    )
    return cluster


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """Returns the settings with absolute paths of the inputs."""
    model, faces = Path(config.model.model), config.find.faces
    # The name of a bundled model is no path and valid on every machine.
    name = str(model.absolute()) if model.is_file() else config.model.model
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, model=name),
        find=dataclasses.replace(config.find, faces=None if faces is None else faces.absolute()),
    )
