"""What a place that works on files must do, and how it is told to stop: the batch's one seam.

No code but the brake. `processes` and `cluster` are the two places; `rtau.runs.batch.run` uses one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from typing import Protocol

from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.reports import Event
from rtau.runs.batch.worker import Order


@dataclasses.dataclass(slots=True, eq=False)
class Brake:
    """How a running batch is told to end; looked at between events, set from anywhere."""

    no_more: bool = False
    """No further file is begun; those that run are finished."""
    at_once: bool = False
    """Files that run are ended too: their results are cut short and whole."""

    def stop(self) -> None:
        """Asks for an end as soon as it can be had without harm."""
        self.no_more = self.at_once = True


class Workers(Protocol):
    """Works on files, several at a time.

    * `work` gives one `Begun` and one `Ended` per file it begins; a file whose worker dies has
      `failed` in its report, and the rest goes on.
    * A file is begun at most once. Which worker gets which file, and in which order files end, is
      not promised.
    """

    @property
    def count(self) -> int:
        """How many files are worked on at a time."""
        ...

    @property
    def threads(self) -> int:
        """Threads each worker may use."""
        ...

    @property
    def words(self) -> str:
        """Where the work is done, for the record: `2 processes of 1 thread`."""
        ...

    def work(
        self, jobs: Sequence[FileJob], order: Order, *, brake: Brake
    ) -> Generator[Event, None, None]:
        """Yields what happens until every file has ended or the brake was pulled.

        Raises:
            RtauError: a worker can work on no file at all.
        """
        ...
