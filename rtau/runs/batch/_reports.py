"""The records of a batch: events while it runs, a report per file, and `batch.json`.

Worker pools yield the events; `rtau.runs.batch.run` and the progress view consume them.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rtau.runs.run_record import environment, write_json
from rtau.sources import LeftOut

# Incremented when a field changes its meaning, but not for new fields.
SCHEMA = 1
BATCH_RECORD = "batch.json"

Status = Literal["done", "skipped", "failed", "interrupted", "not begun"]


@dataclasses.dataclass(frozen=True, slots=True)
class FileReport:
    """How one file ended."""

    file: str
    """The video, as given."""
    status: Status
    """done; skipped: done before; failed: see `error`; interrupted: started and not finished."""
    frames: int = 0
    """Frames written to the results in this batch."""
    fps: float = 0.0
    """Frames per second, first to last."""
    seconds: float = 0.0
    """Wall time, opening and closing included."""
    error: str | None = None
    """Why it failed, in one line."""
    notes: tuple[str, ...] = ()
    """The notes of its run record."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobStarted:
    """A worker has started a file."""

    job: int
    """Index in the list of jobs."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobProgress:
    """A worker has made progress in a file."""

    job: int
    """Index in the list of jobs."""
    frames: int
    """Frames done."""
    frames_total: int | None
    """Frames the file declares; None when unknown."""


@dataclasses.dataclass(frozen=True, slots=True)
class JobEnded:
    """A worker has finished a file, or it has failed."""

    job: int
    """Index in the list of jobs."""
    report: FileReport
    """How it ended."""
    summary: str
    """The same as one line for the user."""


Event = JobStarted | JobProgress | JobEnded


@dataclasses.dataclass(frozen=True, slots=True)
class BatchRecord:
    """The contents of `batch.json`; every field is plain JSON data."""

    rtau_version: str
    """Version of this package."""
    command: Sequence[str]
    """The command line, argument by argument."""
    started_utc: str
    """ISO 8601."""
    finished_utc: str | None
    """ISO 8601; None while it runs."""
    end_reason: str
    """`running`, `done`, `failed`, `interrupted`, or `failed: <error that ended the batch>`."""
    workers: str
    """Number and kind of workers: `2 processes of 1 thread`."""
    model: Mapping[str, str]
    """`path` and `sha256` of the model file."""
    settings: Mapping[str, Any]
    """All settings, as given."""
    seconds: float
    """Wall time of the batch."""
    files: Sequence[FileReport]
    """In the order of the sources."""
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)
    """What lies in the folders of the sources and was not taken."""

    @property
    def counts(self) -> dict[str, int]:
        """Number of files by status; only statuses that occur."""
        return dict(Counter(report.status for report in self.files))

    @property
    def fps(self) -> float:
        """Frames of all files per second of the batch."""
        frames = sum(report.frames for report in self.files)
        return round(frames / self.seconds, 2) if self.seconds > 0 else 0.0

    def write(self, path: Path) -> None:
        """Writes the record as JSON, atomically.

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
        write_json(path, payload, description="batch record")
