"""Runs the files of a batch on a Ray cluster, with the same results and records as locally.

The only module that imports ray; loaded when `--cluster` is given. Every machine needs rtau, the
model and the files under the same paths.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, cast

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from rtau.config import RunConfig
from rtau.errors import BackendUnavailable, RtauError
from rtau.runs.batch._reports import Event, FileReport, JobEnded, JobStarted
from rtau.runs.batch._worker import JobSpec, run_file
from rtau.runs.batch._worker_pool import StopToken
from rtau.runs.batch.plan import FileJob
from rtau.runs.log import counted

# Starts a cluster on this machine for the duration of the command.
LOCAL = "local"
# How often the stop token is read while no file ends.
POLL_EVERY_S = 0.5
# A task may be cancelled before its run handles it, so it is cancelled again after this long.
STOP_RETRY_S = 2.0
# Reports are small; Ray's default is a third of the machine's memory.
OBJECT_STORE_BYTES = 100 << 20
GPU_PROVIDERS = frozenset({"cuda", "tensorrt", "tensorrt-rtx"})


class RayPool:
    """A connection to a Ray cluster, open inside a `with` block. `WorkerPool`."""

    def __init__(self, address: str, *, jobs: int, config: RunConfig) -> None:
        """Keeps the settings; `__enter__` connects.

        Args:
            address: `local`, `auto` (the cluster this machine is part of), or `HOST:PORT`.
            jobs: files at a time on all machines together; 0 for as many as the cores allow.
            config: the settings, for the cores and the GPU each file needs.
        """
        self.threads = max(1, config.model.threads)
        self.count = jobs
        self._address = address
        needs_gpu = config.model.provider in GPU_PROVIDERS or config.model.model.endswith(".engine")
        self._gpus = 1 if needs_gpu else 0

    @property
    def description(self) -> str:
        """Address, number of workers and threads, for the record."""
        threads = counted(self.threads, "thread")
        return f"Ray cluster {self._address}, {self.count} at a time of {threads}"

    def __enter__(self) -> RayPool:
        """Connects.

        Raises:
            BackendUnavailable: there is no cluster at the address, or it has too few cores.
        """
        # rtau sends no usage statistics, so Ray must not either.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own: dict[str, Any] = {}
        if self._address == LOCAL:
            own = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
            own["num_cpus"] = self.count * self.threads or None
        try:
            ray.init(address=self._address, logging_level=logging.WARNING, **own)
        except (RayError, ConnectionError, RuntimeError, ValueError) as error:
            reason = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise BackendUnavailable(
                f"--cluster {self._address}: no Ray cluster can be reached ({reason}); "
                "start one with `ray start --head`, or use --cluster local"
            ) from error
        if self.count == 0:
            resources: dict[str, float] = cast(Any, ray).cluster_resources()
            self.count = int(resources.get("CPU", 0)) // self.threads
        if self.count == 0:
            ray.shutdown()
            raise BackendUnavailable(
                f"--cluster {self._address}: its machines have fewer than {self.threads} cores; "
                "give --jobs if machines will join later, or use fewer --threads"
            )
        return self

    def __exit__(self, *error: object) -> None:
        ray.shutdown()

    def work(
        self, jobs: Sequence[FileJob], spec: JobSpec, *, stop_token: StopToken
    ) -> Generator[Event, None, None]:
        """Yields events until every file has ended, or has been stopped by the token.

        Raises:
            RtauError: a worker cannot run any file.
        """
        remote = ray.remote(num_cpus=self.threads, num_gpus=self._gpus, max_retries=0)(run_file)
        waiting = deque(enumerate(jobs))
        running: dict[Any, tuple[int, float]] = {}  # by Ray's handle: job and start time
        stop_sent_s = 0.0
        while running or (waiting and not stop_token.no_new_jobs):
            while waiting and len(running) < self.count and not stop_token.no_new_jobs:
                job, file = waiting.popleft()
                running[remote.remote(spec, file)] = (job, time.perf_counter())
                yield JobStarted(job)
            if stop_token.cancel_running and time.monotonic() - stop_sent_s >= STOP_RETRY_S:
                stop_sent_s = time.monotonic()
                _request_stop(running)
            ended, _ = ray.wait(list(running), timeout=POLL_EVERY_S)
            for handle in ended:
                job, started_s = running.pop(handle)
                seconds = round(time.perf_counter() - started_s, 3)
                yield _ended(handle, job, file=str(jobs[job].file), seconds=seconds)


def _request_stop(running: dict[Any, tuple[int, float]]) -> None:
    """Interrupts running tasks; a running session finishes its files and ends."""
    for handle in running:
        with contextlib.suppress(RayError):
            ray.cancel(handle, force=False)


def _ended(handle: Any, job: int, *, file: str, seconds: float) -> JobEnded:
    """Returns the end of a task.

    Raises:
        RtauError: its worker cannot run any file.
    """
    try:
        report, summary = ray.get(handle)
    except TaskCancelledError:
        report = FileReport(file, "interrupted", seconds=seconds)
        summary = "interrupted before its first frame"
    except RayTaskError as error:
        if isinstance(error.cause, RtauError):
            raise error.cause from None
        raise
    except RayError as error:  # the worker or its machine died
        reason = describe_death(error)
        report = FileReport(file, "failed", seconds=seconds, error=reason)
        summary = f"failed: {reason}"
    return JobEnded(job, report, summary)


def describe_death(error: RayError) -> str:
    """Returns why a worker was lost and what to do, in one line."""
    reason = (str(error).strip().splitlines() or [""])[0]
    return f"the worker was lost ({type(error).__name__}: {reason}); run again with --resume"
