"""Works on files in processes of this machine, one file at a time each, with a share of the cores.

A worker that is killed costs the file it had and nothing else. Decides no order and keeps no
record; `rtau.runs.batch.run` chooses it when no cluster is named.
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
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.reports import Begun, Ended, Event, FileReport, Moved
from rtau.runs.batch.worker import Order, prepared, run_file
from rtau.runs.batch.workers import Brake
from rtau.runs.log import log_to_stderr

# How often the brake is looked at while no worker says anything.
LOOK_EVERY_S = 0.2
# A worker may be asked to stop before its run listens, so it is asked again after this long.
ASK_AGAIN_S = 1.0
# How long a worker that has no file may take to end.
PATIENCE_S = 10.0
SIGNALS = {signal.SIGINT, signal.SIGTERM}


class Processes:
    """A fixed number of worker processes, started when there is a file for them. `Workers`."""

    def __init__(self, jobs: int, *, most: int, cores: int | None = None) -> None:
        """Shares out the cores.

        Args:
            jobs: files at a time; 0 takes as many as there are cores.
            most: files there are: more workers than that would only take cores from the others.
            cores: instead of those this process may use.
        """
        cores = cores or usable_cores()
        self.count = min(jobs or cores, most)
        self.threads = max(1, cores // self.count)

    @property
    def words(self) -> str:
        """Where the work is done, for the record."""
        processes = "1 process" if self.count == 1 else f"{self.count} processes"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{processes} of {threads}"

    def work(
        self, jobs: Sequence[FileJob], order: Order, *, brake: Brake
    ) -> Generator[Event, None, None]:
        """Yields what happens until every file has ended or the brake was pulled.

        Raises:
            RtauError: a worker cannot open the engine.
        """
        waiting = deque(enumerate(jobs))
        workers: list[_Worker] = []
        try:
            while True:
                yield from self._hand_out(waiting, workers, order=order, brake=brake)
                busy = [worker for worker in workers if worker.job is not None]
                if not busy:
                    break
                if brake.at_once:
                    for worker in busy:
                        worker.ask_to_stop()
                for ready in connection.wait([w.pipe for w in busy], timeout=LOOK_EVERY_S):
                    worker = next(worker for worker in busy if worker.pipe is ready)
                    yield from worker.take(jobs, interrupted=brake.at_once)
                workers = [worker for worker in workers if not worker.is_gone]
        except BaseException:
            for worker in workers:
                worker.kill()
            raise
        for worker in workers:
            worker.close()

    def _hand_out(
        self,
        waiting: deque[tuple[int, FileJob]],
        workers: list[_Worker],
        *,
        order: Order,
        brake: Brake,
    ) -> Iterator[Event]:
        while waiting and not brake.no_more:
            idle = next((worker for worker in workers if worker.job is None), None)
            if idle is None:
                if len(workers) >= self.count:
                    return
                idle = _Worker(order)
                workers.append(idle)
            job, file = waiting.popleft()
            idle.give(job, file)
            yield Begun(job)


class _Worker:
    """One process, as its parent sees it."""

    def __init__(self, order: Order) -> None:
        context = multiprocessing.get_context("spawn")
        self.job: int | None = None
        self.is_gone = False
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, order), name="rtau-worker", daemon=True
        )
        self._asked_s: float | None = None
        self._begun_s = 0.0
        with _signals_held_back():
            self._process.start()
        theirs.close()

    def give(self, job: int, file: FileJob) -> None:
        """Hands a file to an idle worker."""
        self.job, self._begun_s = job, time.perf_counter()
        # A worker that died while idle is found out by `take`, which reads the same pipe.
        with contextlib.suppress(OSError):
            self.pipe.send((job, file))

    def ask_to_stop(self) -> None:
        """Asks for an orderly end of the running file, again and again but not too often."""
        now_s = time.monotonic()
        if self._asked_s is not None and now_s - self._asked_s < ASK_AGAIN_S:
            return
        self._asked_s = now_s
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGINT)

    def take(self, jobs: Sequence[FileJob], *, interrupted: bool) -> Iterator[Event]:
        """Yields what the worker said; if it is gone, the end of its file.

        Raises:
            RtauError: what keeps the worker from working at all.
        """
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            yield self._lost(jobs, interrupted=interrupted)
            return
        if isinstance(said, RtauError):
            raise said
        if isinstance(said, Ended):
            self.job = None
        yield said

    def close(self) -> None:
        """Ends an idle worker."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self._process.join(PATIENCE_S)
        self.kill()

    def kill(self) -> None:
        """Ends the worker at once, if it is still there."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()
        self.is_gone = True

    def _lost(self, jobs: Sequence[FileJob], *, interrupted: bool) -> Ended:
        assert self.job is not None, "only a worker with a file is listened to"
        self._process.join(PATIENCE_S)
        words = death_words(self._process.exitcode)
        report = FileReport(
            str(jobs[self.job].file),
            "interrupted" if interrupted else "failed",
            seconds=round(time.perf_counter() - self._begun_s, 3),
            error=words,
        )
        job = self.job
        self.kill()
        return Ended(job, report, f"{report.status}: {words}")


def death_words(exit_code: int | None) -> str:
    """Returns what the death of a worker means, and what to do."""
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        what = f"the worker process was killed by {name}"
        if -exit_code == signal.SIGKILL:
            return f"{what}, as the system does when memory runs out; run again with fewer --jobs"
    else:
        what = f"the worker process ended with exit code {exit_code}"
    return f"{what}; run this file alone to see why"


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Starts a process that is deaf to Ctrl-C until it can answer; here signals are late, not lost.

    A process inherits which signals are blocked, so there is no moment in which a Ctrl-C at the
    terminal, which reaches every process, ends a worker with a traceback.
    """
    # The first start brings up the tracker, which would unblock the signals again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, order: Order) -> None:
    """The life of a worker process: files come in, events go out, None or a lost parent ends it."""
    # While a file runs the session listens (rtau.runs.interrupts); between files there is nothing
    # to end in order, and the parent asks again.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    log_to_stderr()
    try:
        engine = prepared(order).engine
    except RtauError as error:
        pipe.send(error)
        return
    with contextlib.closing(engine):
        for job, file in _given(pipe):
            _work(pipe, order, job=job, file=file)


def _given(pipe: Connection) -> Iterator[tuple[int, FileJob]]:
    """Yields the files the parent sends, until it sends None or is gone."""
    while True:
        try:
            given = pipe.recv()
        except (EOFError, OSError):
            return
        if given is None:
            return
        yield given


def _work(pipe: Connection, order: Order, *, job: int, file: FileJob) -> None:

    def moved(frames: int, frames_total: int | None) -> None:
        try:
            pipe.send(Moved(job, frames, frames_total))
        except OSError:
            signal.raise_signal(signal.SIGINT)  # the parent is gone: end as if it had asked

    report, words = run_file(order, file, moved=moved)
    with contextlib.suppress(OSError):  # to a parent that is gone there is nothing to say
        pipe.send(Ended(job, report, words))
