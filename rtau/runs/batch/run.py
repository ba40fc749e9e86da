"""One batch from plan to `batch.json`: what is done before is skipped, the rest is shared out.

Joins plan, resume, workers, view and record; touches no video itself. `rtau video --out-dir` calls
it.
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
from rtau.runs.batch.plan import FileJob, check_jobs, plan
from rtau.runs.batch.processes import Processes
from rtau.runs.batch.reports import BATCH_RECORD, BatchRecord, Begun, Ended, Event, FileReport
from rtau.runs.batch.resume import NO_RECORD, Making, why_again
from rtau.runs.batch.view import BatchView, show_failures
from rtau.runs.batch.worker import Order
from rtau.runs.batch.workers import Brake, Workers
from rtau.runs.interrupts import INTERRUPTED, stopping_with
from rtau.runs.log import say
from rtau.runs.run_record import failed, utc_now

# Words of a command line that a run record keeps from either end: with thousands of files named
# one by one, every record would hold them all.
MOST_WORDS = 20


@dataclasses.dataclass(frozen=True, slots=True)
class BatchOptions:
    """What the command line says of the batch itself."""

    sources: tuple[str, ...]
    """Files, folders and patterns."""
    out_dir: Path
    """The root of the mirrored tree."""
    kinds: tuple[str, ...]
    """Kinds of results."""
    jobs: int | None = None
    """Files at a time; 0 by the cores, None where it was not said."""
    resume: bool = False
    """Skip what is done."""
    fail_fast: bool = False
    """Begin no further file after one has failed."""
    full_names: bool = False
    """Name results after the whole names of the files."""
    cluster: str | None = None
    """Address of a Ray cluster; None for processes of this machine."""


def run_batch(options: BatchOptions, config: RunConfig, *, command: Sequence[str]) -> int:
    """Works through the files; returns the exit code: 0 all done, 1 any failed, 130 interrupted.

    Raises:
        RtauError: a request that cannot be met, or workers that can work on no file at all.
    """
    check_options(options, config)
    planned = plan(
        options.sources, out_dir=options.out_dir, kinds=options.kinds, full_names=options.full_names
    )
    if planned.left_out:
        say(f"{planned.left_out} videos below {options.out_dir} are results and were left out")
    jobs: Sequence[FileJob] = planned.jobs
    if options.cluster is not None:  # other machines have other working directories
        jobs = [job.absolute() for job in jobs]
        config = with_absolute_paths(config)
    check_jobs(jobs)
    batch = _Batch(options, config, jobs=jobs, command=command)
    return batch.run()


def check_options(options: BatchOptions, config: RunConfig) -> None:
    """Returns when the settings make sense for many files.

    Raises:
        UsageError: they name outputs or views of a single run, or cannot be resumed.
    """
    output = config.output
    if any((output.out, output.csv, output.jsonl, output.record)):
        raise UsageError(
            "--out-dir names the outputs itself; leave out --out, --csv, --jsonl and --record, and "
            "choose kinds of results with --write"
        )
    if output.view not in ("auto", "none"):
        raise UsageError(
            f"--view {output.view} shows one run; with --out-dir the progress of all is shown"
        )
    if options.resume and config.find.faces is not None:
        raise UsageError(
            "--resume cannot tell whether the boxes of --faces have changed; leave out one of them"
        )


class _Batch:
    """A batch in progress: which file stands how."""

    def __init__(
        self,
        options: BatchOptions,
        config: RunConfig,
        *,
        jobs: Sequence[FileJob],
        command: Sequence[str],
    ) -> None:
        self._options = options
        self._config = config
        self._jobs = jobs
        self._model = find_model(config.model.model)
        self._brake = Brake()
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
        )

    def run(self) -> int:
        """Returns the exit code; `batch.json` is there however the batch ends."""
        self._write("running")  # that of an earlier batch must not pass for this one's
        end = "interrupted"
        try:
            todo = self._undone()
            if todo and self._work(todo):
                return INTERRUPTED
            end = "failed" if self._failed() else "done"
        except Exception as error:
            end = failed(error)
            raise
        finally:
            self._write(end)
            show_failures(self._reports, sys.stderr)
            self._say_end()
        return int(end == "failed")

    def _undone(self) -> list[int]:
        """Returns the indices of the files to run, and says what is skipped and what is not."""
        if not self._options.resume:
            return list(range(len(self._jobs)))
        making = Making(__version__, self._record.model["sha256"], self._config.to_dict())
        todo = []
        for k, job in enumerate(self._jobs):
            reason = why_again(job, making)
            if reason is None:
                self._reports[k] = FileReport(str(job.file), "skipped")
                continue
            todo.append(k)
            if reason != NO_RECORD:
                say(f"{job.file}: again: {reason}")
        say(f"{len(self._jobs) - len(todo)} of {len(self._jobs)} files were done and are skipped")
        return todo

    def _work(self, todo: Sequence[int]) -> bool:
        """Runs the files of these indices; returns True when the user asked to stop."""
        jobs = [self._jobs[k] for k in todo]
        with (
            _workers(self._options, self._config, most=len(jobs)) as workers,
            stopping_with(self._brake.stop) as interrupts,
            contextlib.closing(BatchView([str(job.file) for job in jobs], sys.stderr)) as view,
        ):
            self._record = dataclasses.replace(self._record, workers=workers.words)
            order = Order(
                self._config,
                shortened(self._record.command),
                threads=workers.threads,
                model_sha256=self._record.model["sha256"],
            )
            with contextlib.closing(workers.work(jobs, order, brake=self._brake)) as events:
                for event in events:
                    view.show(event)
                    self._note(event, todo)
        return interrupts.seen

    def _note(self, event: Event, todo: Sequence[int]) -> None:
        k = todo[event.job]
        if isinstance(event, Begun):
            # What it stays if nothing more is heard of the file.
            self._reports[k] = dataclasses.replace(self._reports[k], status="interrupted")
        elif isinstance(event, Ended):
            self._reports[k] = event.report
            if self._options.fail_fast and event.report.status == "failed":
                self._brake.no_more = True

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

    def _say_end(self) -> None:
        counts = self._record.counts
        skipped = counts.get("skipped", 0)
        done = counts.get("done", 0) + skipped
        rest = "".join(
            f", {counts[status]} {status}"
            for status in ("failed", "interrupted", "not begun")
            if status in counts
        )
        before = f" ({skipped} before)" if skipped else ""
        say(
            f"{done} of {len(self._reports)} sources done{before}{rest}, "
            f"{self._record.seconds:.1f} s, {self._record.fps:.1f} fps -> "
            f"{self._options.out_dir / BATCH_RECORD}"
        )


def shortened(command: Sequence[str]) -> tuple[str, ...]:
    """Returns the command as every file's record keeps it: both ends of a very long one.

    With thousands of files named one by one, thousands of records would hold them all.
    """
    if len(command) <= 2 * MOST_WORDS:
        return tuple(command)
    left_out = f"... {len(command) - 2 * MOST_WORDS} words: see {BATCH_RECORD} ..."
    return (*command[:MOST_WORDS], left_out, *command[-MOST_WORDS:])


def _workers(
    options: BatchOptions, config: RunConfig, *, most: int
) -> AbstractContextManager[Workers]:
    """Returns where the files are worked on, `most` of them at a time at most.

    Raises:
        BackendUnavailable: a cluster was named and ray is not installed.
    """
    if options.cluster is None:
        wanted = 1 if options.jobs is None else options.jobs
        return contextlib.nullcontext(Processes(wanted, most=most))
    try:
        module = importlib.import_module("rtau.runs.batch.cluster")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"--cluster needs the Python module {error.name!r}, which is not installed; "
            'install it: pip install "rtau[ray]"'
        ) from None
    cluster: AbstractContextManager[Workers] = module.Cluster(
        options.cluster, jobs=options.jobs or 0, config=config
    )
    return cluster


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """Returns the settings with inputs that are found from every working directory."""
    model, faces = Path(config.model.model), config.find.faces
    # A bundled model's name is no path and means the same everywhere.
    name = str(model.absolute()) if model.is_file() else config.model.model
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, model=name),
        find=dataclasses.replace(config.find, faces=None if faces is None else faces.absolute()),
    )
