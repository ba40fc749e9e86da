"""What is told of a batch: events while it runs, a report per file, and `batch.json` at the end.

Plain records and one file; shows nothing and runs nothing. Workers send the events, the view and
`rtau.runs.batch.run` take them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rtau.runs.run_record import environment, write_json

# Raised when a field changes its meaning; new fields may appear without.
SCHEMA = 1
BATCH_RECORD = "batch.json"

Status = Literal["done", "skipped", "failed", "interrupted", "not begun"]


@dataclasses.dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file."""

    file: str
    """The video, as it was named."""
    status: Status
    """done; skipped: done before; failed: see `error`; interrupted: begun and not finished."""
    frames: int = 0
    """Frames that reached the results in this batch."""
    fps: float = 0.0
    """Frames a second, first to last."""
    seconds: float = 0.0
    """Wall time, opening and closing included."""
    error: str | None = None
    """Why it failed, in one line."""


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """A worker has begun a file."""

    job: int
    """Index in the list of jobs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Moved:
    """A worker has come further in a file."""

    job: int
    """Index in the list of jobs."""
    frames: int
    """Frames done."""
    frames_total: int | None
    """Frames the file declares; None when unknown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A worker has left a file, one way or another."""

    job: int
    """Index in the list of jobs."""
    report: FileReport
    """What became of it."""
    words: str
    """The same for people, in one line."""


Event = Begun | Moved | Ended


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRecord:
    """Everything worth knowing of a batch after it; every field is plain JSON material."""

    rtau_version: str
    """Version of this package."""
    command: Sequence[str]
    """The command line, argument by argument."""
    started_utc: str
    """ISO 8601."""
    finished_utc: str | None
    """ISO 8601; None while it runs."""
    end_reason: str
    """`running`, `done`, `failed`, `interrupted`, or `failed: <what ended the whole batch>`."""
    workers: str
    """Where and by how many it was done: `2 processes of 1 thread`."""
    model: Mapping[str, str]
    """`path` and `sha256` of the model file."""
    settings: Mapping[str, Any]
    """The whole configuration, as it was given."""
    seconds: float
    """Wall time of the batch."""
    files: Sequence[FileReport]
    """In the order of the sources."""

    @property
    def counts(self) -> dict[str, int]:
        """How many files have each status; only those that occur."""
        return dict(Counter(report.status for report in self.files))

    @property
    def fps(self) -> float:
        """Frames of all files together for each second of the batch."""
        frames = sum(report.frames for report in self.files)
        return round(frames / self.seconds, 2) if self.seconds > 0 else 0.0

    def write(self, path: Path) -> None:
        """Writes the record as JSON: all of the file or nothing.

        Raises:
            SinkError: it cannot be written.
        """
        payload = {
            "schema": SCHEMA,
            **dataclasses.asdict(self),
            "counts": self.counts,
            "frames": sum(report.frames for report in self.files),
            "fps": self.fps,
            "environment": environment(),
        }
        write_json(path, payload, words="batch record")
