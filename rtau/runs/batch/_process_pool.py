"""Runs the files of a batch in processes of this machine, each with a share of the cores.

When a worker is killed, only its current file is lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection

from rtau.cpu import usable_cores
from rtau.errors import RtauError
from rtau.runs.batch._reports import Event, FileReport, JobEnded, JobProgress, JobStarted
from rtau.runs.batch._worker import JobSpec, prepared, run_file
from rtau.runs.batch._worker_pool import StopToken
from rtau.runs.batch.plan import FileJob
from rtau.runs.interrupts import SIGNALS
from rtau.runs.log import counted, log_to_stderr

# How often the stop token is read while no worker sends a message.
POLL_EVERY_S = 0.2
# A worker may get the signal before its run handles it, so it is sent again after this long.
STOP_RETRY_S = 1.0
# Timeout for an idle worker to end.
JOIN_TIMEOUT_S = 10.0


class ProcessPool:
    """A fixed number of worker processes, started when there is a file for them. `WorkerPool`."""

    def __init__(self, jobs: int, *, most: int, cores: int | None = None) -> None:
        """Divides the cores among the workers.

        Args:
            jobs: files at a time; 0 for one per core.
            most: number of files: the maximum number of workers.
            cores: number of cores; None for those this process may use.
        """
        cores = cores or usable_cores()
        self.count = min(jobs or cores, most)
        self.threads = max(1, cores // self.count)

    @property
    def description(self) -> str:
        """Number of workers and threads, for the record."""
        return f"{counted(self.count, 'process')} of {counted(self.threads, 'thread')}"

    def work(
        self, jobs: Sequence[FileJob], spec: JobSpec, *, stop_token: StopToken
    ) -> Generator[Event, None, None]:
        """Yields events until every file has ended, or has been stopped by the token.

        Raises:
            RtauError: a worker cannot load the model.
        """
        waiting = deque(enumerate(jobs))
        workers: list[_Worker] = []
        try:
            while True:
                yield from self._dispatch(waiting, workers, spec=spec, stop_token=stop_token)
                busy = [worker for worker in workers if worker.job is not None]
                if not busy:
                    break
                if stop_token.cancel_running:
                    for worker in busy:
                        worker.request_stop()
                for ready in connection.wait([w.pipe for w in busy], timeout=POLL_EVERY_S):
                    worker = next(worker for worker in busy if worker.pipe is ready)
                    yield worker.receive(jobs, interrupted=stop_token.cancel_running)
                workers = [worker for worker in workers if not worker.is_gone]
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
        for worker in workers:
            worker.close()

    def _dispatch(
        self,
        waiting: deque[tuple[int, FileJob]],
        workers: list[_Worker],
        *,
        spec: JobSpec,
        stop_token: StopToken,
    ) -> Iterator[Event]:
        """Sends waiting files to idle or new workers."""
        while waiting and not stop_token.no_new_jobs:
            idle = next((worker for worker in workers if worker.job is None), None)
            if idle is None:
                if len(workers) >= self.count:
                    return
                idle = _Worker(spec)
                workers.append(idle)
            job, file = waiting.popleft()
            idle.send(job, file)
            yield JobStarted(job)


class _Worker:
    """The parent's handle of one worker process."""

    def __init__(self, spec: JobSpec) -> None:
        context = multiprocessing.get_context("spawn")
        self.job: int | None = None
        self.is_gone = False
        self.pipe, child_pipe = context.Pipe()
        self._process = context.Process(
            target=_worker_main, args=(child_pipe, spec), name="rtau-worker", daemon=True
        )
        self._stop_sent_s: float | None = None
        self._started_s = 0.0
        with _blocked_signals():
            self._process.start()
        child_pipe.close()

    def send(self, job: int, file: FileJob) -> None:
        """Sends a file to an idle worker."""
        self.job, self._started_s = job, time.perf_counter()
        # `receive` detects a worker that died while idle: it reads the same pipe.
        with contextlib.suppress(OSError):
            self.pipe.send((job, file))

    def request_stop(self) -> None:
        """Interrupts the running file; repeated calls resend the signal every `STOP_RETRY_S`.

        Windows has no such signal and ends the worker: its file counts as interrupted all the same.
        """
        now_s = time.monotonic()
        if self._stop_sent_s is not None and now_s - self._stop_sent_s < STOP_RETRY_S:
            return
        self._stop_sent_s = now_s
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)

    def receive(self, jobs: Sequence[FileJob], *, interrupted: bool) -> Event:
        """Returns the worker's next event; if the worker has died, the end of its file.

        Raises:
            RtauError: the worker cannot run any file.
        """
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            return self._died(jobs, interrupted=interrupted)
        if isinstance(message, RtauError):
            raise message
        event: Event = message
        if isinstance(event, JobEnded):
            self.job = None
        return event

    def close(self) -> None:
        """Ends an idle worker."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self._process.join(JOIN_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """Kills the worker if it is still running."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()
        self.is_gone = True

    def _died(self, jobs: Sequence[FileJob], *, interrupted: bool) -> JobEnded:
        assert self.job is not None, "only workers with a file are polled"
        self._process.join(JOIN_TIMEOUT_S)
        error = describe_death(self._process.exitcode)
        report = FileReport(
            str(jobs[self.job].file),
            "interrupted" if interrupted else "failed",
            seconds=round(time.perf_counter() - self._started_s, 3),
            error=error,
        )
        self.kill()
        return JobEnded(self.job, report, f"{report.status}: {error}")


def describe_death(exit_code: int | None) -> str:
    """Returns why a worker died, and what to do."""
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        cause = f"the worker process was killed by {name}"
        if name == "SIGKILL":  # which Windows does not have
            return f"{cause}, as the system does when memory runs out; run again with fewer --jobs"
    else:
        cause = f"the worker process ended with exit code {exit_code}"
    return f"{cause}; run this file alone to see why"


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """Blocks Ctrl-C and the like while a process starts; they are delivered here afterwards.

    The child inherits the mask and unblocks them itself, so a Ctrl-C at the terminal, which reaches
    every process, never ends a starting worker with a traceback. Windows has no such mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The first start launches the resource tracker, which would unblock the signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _worker_main(pipe: Connection, spec: JobSpec) -> None:
    """Runs in the worker process: receives files and sends events until None or a closed pipe."""
    # A running session installs its own handlers (rtau.runs.interrupts); between files there is
    # nothing to finish, and the parent sends the signal again.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    log_to_stderr()
    try:
        engine = prepared(spec).engine
    except RtauError as error:
        pipe.send(error)
        return
    with contextlib.closing(engine):
        for job, file in _received_jobs(pipe):
            _run_job(pipe, spec, job=job, file=file)


def _received_jobs(pipe: Connection) -> Iterator[tuple[int, FileJob]]:
    """Yields the files the parent sends, until it sends None or is gone."""
    with contextlib.suppress(EOFError, OSError):
        while (message := pipe.recv()) is not None:
            yield message


def _run_job(pipe: Connection, spec: JobSpec, *, job: int, file: FileJob) -> None:
    def on_progress(frames: int, frames_total: int | None) -> None:
        try:
            pipe.send(JobProgress(job, frames, frames_total))
        except OSError:
            signal.raise_signal(signal.SIGINT)  # the parent is gone: stop as on Ctrl-C

    report, summary = run_file(spec, file, on_progress=on_progress)
    with contextlib.suppress(OSError):  # the parent is gone
        pipe.send(JobEnded(job, report, summary))
