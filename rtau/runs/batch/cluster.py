"""Works on files on the machines of a Ray cluster: the same work and the same records as here.

The only module that imports ray. Every machine needs rtau, the model and the files under the same
paths; `rtau.runs.batch.run` loads it when `--cluster` names one, and nobody else.
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
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.reports import Begun, Ended, Event, FileReport
from rtau.runs.batch.worker import Order, run_file
from rtau.runs.batch.workers import Brake

# An address that is none: a cluster of this machine alone, for as long as the command runs.
LOCAL = "local"
# How often the brake is looked at while no file ends.
LOOK_EVERY_S = 0.5
# A task may be asked to stop before its run listens, so it is asked again after this long.
ASK_AGAIN_S = 2.0
# Reports are small; Ray would take a third of the memory of the machine for them.
OBJECT_STORE_BYTES = 100 << 20
GPU_PROVIDERS = frozenset({"cuda", "tensorrt", "tensorrt-rtx"})


class Cluster:
    """A connection to a Ray cluster, open inside a `with` block. `Workers`."""

    def __init__(self, address: str, *, jobs: int, config: RunConfig) -> None:
        """Notes what is asked for; connects to nothing yet.

        Args:
            address: `local`, `auto` (the cluster this machine is part of), or `HOST:PORT`.
            jobs: files at a time over all machines; 0 takes what the cluster's cores allow.
            config: the settings, for the cores and the GPU each file needs.
        """
        self.threads = max(1, config.model.threads)
        self.count = jobs
        self._address = address
        needs_gpu = config.model.provider in GPU_PROVIDERS or config.model.model.endswith(".engine")
        self._gpus = 1 if needs_gpu else 0

    @property
    def words(self) -> str:
        """Where the work is done, for the record."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"Ray cluster {self._address}, {self.count} at a time of {threads}"

    def __enter__(self) -> Cluster:
        """Connects.

        Raises:
            BackendUnavailable: there is no cluster at the address, or it has no cores to give.
        """
        # rtau reports nothing about its use to anybody; nor does what it starts.
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
                f"--cluster {self._address}: no Ray cluster can be reached there ({reason}); "
                "start one with `ray start --head`, or use --cluster local"
            ) from error
        if self.count == 0:
            resources: dict[str, float] = cast(Any, ray).cluster_resources()
            self.count = int(resources.get("CPU", 0)) // self.threads
        if self.count == 0:
            ray.shutdown()
            raise BackendUnavailable(
                f"--cluster {self._address}: its machines have fewer than {self.threads} cores; "
                "name a number of --jobs if machines are still to come, or fewer --threads"
            )
        return self

    def __exit__(self, *error: object) -> None:
        ray.shutdown()

    def work(
        self, jobs: Sequence[FileJob], order: Order, *, brake: Brake
    ) -> Generator[Event, None, None]:
        """Yields what happens until every file has ended or the brake was pulled.

        Raises:
            RtauError: a worker can work on no file at all.
        """
        remote = ray.remote(num_cpus=self.threads, num_gpus=self._gpus, max_retries=0)(run_file)
        waiting = deque(enumerate(jobs))
        running: dict[Any, tuple[int, float]] = {}  # by Ray's handle: job, and when it was begun
        asked_s = 0.0
        while running or (waiting and not brake.no_more):
            while waiting and len(running) < self.count and not brake.no_more:
                job, file = waiting.popleft()
                running[remote.remote(order, file)] = (job, time.perf_counter())
                yield Begun(job)
            if brake.at_once and time.monotonic() - asked_s >= ASK_AGAIN_S:
                asked_s = time.monotonic()
                _ask_to_stop(running)
            ended, _ = ray.wait(list(running), timeout=LOOK_EVERY_S)
            for handle in ended:
                job, begun_s = running.pop(handle)
                seconds = round(time.perf_counter() - begun_s, 3)
                yield _ended(handle, job, file=str(jobs[job].file), seconds=seconds)


def _ask_to_stop(running: dict[Any, tuple[int, float]]) -> None:
    """Ctrl-C for tasks wherever they run: a session in its middle finishes its files and ends."""
    for handle in running:
        with contextlib.suppress(RayError):
            ray.cancel(handle, force=False)


def _ended(handle: Any, job: int, *, file: str, seconds: float) -> Ended:
    """Returns how a task ended.

    Raises:
        RtauError: its worker can work on no file at all.
    """
    try:
        report, words = ray.get(handle)
    except TaskCancelledError:
        report = FileReport(file, "interrupted", seconds=seconds)
        words = "interrupted before its first frame"
    except RayTaskError as error:
        if isinstance(error.cause, RtauError):
            raise error.cause from None
        raise
    except RayError as error:  # the worker or its machine died
        words = death_words(error)
        report = FileReport(file, "failed", seconds=seconds, error=words)
        words = f"failed: {words}"
    return Ended(job, report, words)


def death_words(error: RayError) -> str:
    """Returns what the loss of a worker means, in one line."""
    reason = (str(error).strip().splitlines() or [""])[0]
    return f"the worker was lost ({type(error).__name__}: {reason}); run again with --resume"
