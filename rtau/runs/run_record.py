"""The run record: a JSON file with the origin of a run's results.

Versions, model hash, execution provider, settings, counts and times; no frame and no face. Reads
versions without importing the libraries. Written at the end of every run, also of failed ones.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from rtau.contract import ModelContract, sha256_of
from rtau.errors import SinkError, SourceOpenError
from rtau.protocols import SourceInfo
from rtau.replacing import is_special, replacing
from rtau.shown import without_passwords
from rtau.sinks import check_output

# Incremented when a field changes its meaning, but not for new fields.
SCHEMA = 1
# Distributions that can affect results; those that are not installed are left out.
PACKAGES = (
    *("numpy", "opencv-python", "opencv-python-headless", "av", "rich"),
    *("onnxruntime", "onnxruntime-gpu", "tensorrt"),
)
END_OF_SOURCE = "end of source"
FRAME_LIMIT = "frame limit"
STOPPED_BY_USER = "stopped by user"
INTERRUPTED = "interrupted"


@dataclasses.dataclass(frozen=True, slots=True)
class FileStamp:
    """The state of a file: size and modification time, which change with its content."""

    size_bytes: int
    """Size of the file."""
    modified_ns: int
    """Modification time, nanoseconds since 1970."""

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """Returns the stamp of a file as it is now.

        Raises:
            SourceOpenError: the file is gone or not accessible.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise SourceOpenError(f"{path}: cannot be opened ({error.strerror})") from error
        return cls(size_bytes=status.st_size, modified_ns=status.st_mtime_ns)


@dataclasses.dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where the frames came from."""

    name: str
    """A path, a URL or `camera 0`."""
    width: int
    """Width of the frames, px."""
    height: int
    """Height of the frames, px."""
    nominal_fps: float | None
    """Declared rate, frames per second; None when unknown."""
    is_live: bool
    """True for cameras and streams."""
    file: FileStamp | None = None
    """State of the video file; None for other sources."""

    @classmethod
    def of(cls, info: SourceInfo, *, is_live: bool, file: FileStamp | None = None) -> SourceRecord:
        """Returns the record of an open source."""
        return cls(
            name=info.name,
            width=info.width,
            height=info.height,
            nominal_fps=None if info.nominal_fps is None else float(info.nominal_fps),
            is_live=is_live,
            file=file,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ModelRecord:
    """The model that scored the faces."""

    path: str
    """The file that was loaded."""
    sha256: str
    """SHA-256 of that file."""
    name: str
    """Name in the contract: `shufflenetv2-au14`."""
    network: str
    """Architecture."""
    task: str
    """multi_label or multi_class."""
    labels: Sequence[str]
    """Labels in output order."""
    thresholds: Sequence[float]
    """Probability at or above which a label is active, in the same order."""
    precision: str
    """fp32, fp16 or int8."""
    weights_sha256: str
    """SHA-256 of the weights the file was exported from."""
    neutral_share: float
    """The share of a neutral's log-odds that is subtracted."""

    @classmethod
    def of(cls, contract: ModelContract, path: Path) -> ModelRecord:
        """Returns the record of a model file, hashing it.

        Raises:
            OSError: the file cannot be read.
        """
        return cls(
            path=str(path),
            sha256=sha256_of(path),
            name=contract.name,
            network=contract.network,
            task=contract.task,
            labels=contract.labels,
            thresholds=contract.thresholds,
            precision=contract.precision,
            weights_sha256=contract.weights_sha256,
            neutral_share=contract.neutral_share,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class NeutralRecord:
    """The neutral faces of a run."""

    path: str | None
    """The file that holds them; None where none was written."""
    sha256: str | None
    """SHA-256 of that file."""
    origin: str
    """What they were taken from."""
    share: float
    """The share of their log-odds that is subtracted."""
    faces: Sequence[str]
    """Seats and track numbers that have one; `*` for every face."""
    refused: Mapping[str, str]
    """Face -> why it has none."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunRecord:
    """The contents of a run record; every field is plain JSON data."""

    rtau_version: str
    """Version of this package."""
    command: Sequence[str]
    """The command line, argument by argument."""
    started_utc: str
    """ISO 8601, from `utc_now`."""
    finished_utc: str
    """ISO 8601, from `utc_now`."""
    end_reason: str
    """`end of source`, `frame limit`, `stopped by user`, `interrupted` or `failed: <the error>`."""
    source: SourceRecord | None
    """Where the frames came from; None when the run failed before a source was open."""
    model: ModelRecord | None
    """Which model scored them; None when the run failed before one was loaded."""
    device: str
    """What the engine ran on, execution provider included."""
    settings: Mapping[str, Any]
    """All settings, defaults included."""
    frames_read: int
    """Frames read from the source."""
    frames_processed: int
    """Frames written to the sinks."""
    frames_dropped: int
    """Frames dropped because newer ones had arrived."""
    frames_corrupt: int
    """Frames that could not be decoded."""
    tracks: int
    """Number of faces (track ids) reported."""
    reconnects: int
    """Number of reconnections to a lost stream."""
    wall_s: float
    """Seconds from the request of the first frame to the close of the last sink."""
    processed_fps: float
    """Processed frames per second."""
    stage_ms: Mapping[str, Mapping[str, float]]
    """Per stage: p50, p95, p99 in milliseconds per frame."""
    latency_ms: Mapping[str, float] | None
    """p50, p95, p99 from capture to after the last sink, milliseconds; None for files."""
    outputs: Mapping[str, str]
    """What was written where: {"video": "annotated.mp4", "csv": "clip.csv"}."""
    output_bytes: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Size of each of those files at the end of the run: {"video": 71042, "csv": 3810}."""
    audio: str | None = None
    """How the audio was written: `copied aac`; None when no video was written."""
    notes: Sequence[str] = ()
    """Further remarks on the results."""
    neutral: NeutralRecord | None = None
    """The persons' neutrals; None in a run without."""
    files: Sequence[FileRecord] = ()
    """Each file, in order, where several went into one table; the counts above are their sums."""


@dataclasses.dataclass(frozen=True, slots=True)
class FileRecord:
    """One of several files that went into one table."""

    source: SourceRecord | None
    """The file, and which state of it was read."""
    end_reason: str
    """As for a run."""
    frames_processed: int
    """Frames that reached the table."""
    frames_corrupt: int
    """Frames that could not be decoded."""
    tracks: int
    """Different faces (track ids) in this file."""
    wall_s: float
    """Seconds it took."""
    stage_ms: Mapping[str, Mapping[str, float]]
    """Per stage: p50, p95, p99 in milliseconds per frame."""

    @classmethod
    def of(cls, record: RunRecord) -> FileRecord:
        """Returns what the record of its run says of a file."""
        return cls(**{one.name: getattr(record, one.name) for one in dataclasses.fields(cls)})


def write_run_record(path: Path, record: RunRecord) -> None:
    """Writes the record and the environment as JSON, atomically; no password is recorded.

    Raises:
        UsageError: the path is a directory.
        SinkError: the file cannot be written.
    """
    payload = {"schema": SCHEMA, **_plain(record), "environment": environment()}
    write_json(path, payload, description="run record")


def remove_run_record(path: Path) -> None:
    """Removes the record of an earlier run before its results are replaced.

    Raises:
        SinkError: it exists and cannot be removed.
    """
    if is_special(path):
        return
    try:
        Path(os.path.realpath(path)).unlink(missing_ok=True)
    except OSError as error:
        raise SinkError(
            f"run record {path} of an earlier run cannot be removed ({error.strerror or error}); "
            "choose another place"
        ) from error


def write_json(path: Path, payload: Mapping[str, Any], *, description: str) -> None:
    """Writes plain values as JSON, atomically.

    Args:
        path: the file; an existing one is replaced.
        payload: the contents.
        description: what the file is, for the error message.

    Raises:
        UsageError: the path is a directory.
        SinkError: the file cannot be written.
    """
    check_output(path)
    text = json.dumps(_plain(payload), indent=2, allow_nan=False) + "\n"
    with (
        replacing(path, name=f"{description} {path}") as part,
        part.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.write(text)
        file.flush()
        if not is_special(part):  # a pipe has no disk to wait for
            os.fsync(file.fileno())


def failed(error: BaseException) -> str:
    """Returns the end reason of a run that an error ended."""
    return f"failed: {str(error) or type(error).__name__}"


def utc_now() -> str:
    """Returns the wall time as ISO 8601 in UTC: `2026-01-31T12:00:00+00:00`."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Returns interpreter, platform, processor count and package versions."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # optional, or its headless variant is installed
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "packages": versions,
    }


def _plain(value: Any) -> Any:
    """Returns plain JSON data without passwords: paths and fractions as text, NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [_plain(item) for item in items]
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> str | int | float | None:
    if isinstance(value, (str, Path, Fraction)):
        return without_passwords(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"a run record holds plain values only, got {type(value).__name__}")
