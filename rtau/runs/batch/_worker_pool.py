"""The protocol of a worker pool, which runs the files of a batch, and the token that stops it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from typing import Protocol

from rtau.runs.batch._reports import Event
from rtau.runs.batch._worker import JobSpec
from rtau.runs.batch.plan import FileJob


@dataclasses.dataclass(slots=True, eq=False)
class StopToken:
    """Stops a running batch; the pool reads it between events, any thread may set it."""

    no_new_jobs: bool = False
    """No further file is started; running files are finished."""
    cancel_running: bool = False
    """Running files are interrupted too; their results are incomplete but well-formed."""

    def stop(self) -> None:
        """Requests the end of the batch, running files included."""
        self.no_new_jobs = self.cancel_running = True


class WorkerPool(Protocol):
    """Runs several files at a time, in processes or on a cluster.

    * `work` yields one `JobStarted` and one `JobEnded` per file it starts. When a worker dies, its
      file is reported as `failed` and the others continue.
    * Each file is started at most once. Workers and the order in which files end are arbitrary.
    """

    @property
    def count(self) -> int:
        """Number of files run at a time."""
        ...

    @property
    def threads(self) -> int:
        """Threads each worker may use."""
        ...

    @property
    def description(self) -> str:
        """Number and kind of workers, for the record: `2 processes of 1 thread`."""
        ...

    def work(
        self, jobs: Sequence[FileJob], spec: JobSpec, *, stop_token: StopToken
    ) -> Generator[Event, None, None]:
        """Yields events until every file has ended, or has been stopped by the token.

        Raises:
            RtauError: a worker cannot run any file.
        """
        ...
