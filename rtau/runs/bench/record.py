"""The record of a benchmark: metrics, ratios, and everything that says how they were measured.

Its fields are the schema: what is written is checked, and what is read is checked again. `rtau
bench --json` writes it, and so do the scripts in `benchmarks/`.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import math
import re
from pathlib import Path
from typing import Any

import rtau
from rtau.cpu import usable_cores
from rtau.errors import SinkError, UsageError
from rtau.execution.opencv_threads import FILE_THREADS
from rtau.protocols import Engine
from rtau.replacing import not_written, replacing
from rtau.runs.bench.machine import (
    Machine,
    Package,
    Temperature,
    load,
    machine,
    packages,
    revision,
    slug,
    temperatures,
)
from rtau.runs.bench.metrics import Metric
from rtau.runs.run_record import utc_now
from rtau.sinks.video_encoder import QUICK_PRESETS, QUICK_PX, THREADS_OF_A_RUN
from rtau.sources.stream_choice import DECODER_THREADS
from rtau.strict_parser import StrictParser

# Raised when a field changes its meaning.
SCHEMA = 1
ALL_THREADS = Path("/proc/self/task")
ENCODER_THREADS = (
    "auto"
    if usable_cores() > THREADS_OF_A_RUN
    else f"1 for up to {QUICK_PX} px and presets up to {QUICK_PRESETS[-1]}, else auto"
)


@dataclasses.dataclass(frozen=True, slots=True)
class ClipRecord:
    """One clip that was measured on."""

    name: str
    """Short name: `faces-4 1280x720`."""
    sha256: str
    """Of the file's bytes."""
    width: int
    """Width, px."""
    height: int
    """Height, px."""
    fps: float
    """Declared rate."""
    frames: int
    """How many frames it holds."""
    faces: int
    """Faces it shows."""
    made_from: str
    """The file, or what it was composed from and how."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise UsageError(f"sha256 must be 64 hexadecimal digits, got {self.sha256!r}")
        if min(self.width, self.height, self.frames) < 1 or self.faces < 0:
            raise UsageError(
                f"clip {self.name!r} must have pixels and frames, got {self.width}x{self.height}, "
                f"{self.frames} frames, {self.faces} faces"
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Threads:
    """How many threads one side works with; None where it does not have the part."""

    side: str
    """`rtau` or the peer."""
    engine: int | None = None
    """Threads of the network's library, as set."""
    opencv: int | None = None
    """Threads of OpenCV in runs over files; live it has as many as it takes by itself."""
    decoder: int | None = None
    """Threads of the video decoder, as set."""
    encoder: str | None = None
    """Threads of the video encoder, in words; `auto` leaves it to FFmpeg."""
    process: int | None = None
    """Threads the process had after its warm-up, idle ones included."""

    @classmethod
    def of_rtau(cls, engine: Engine | None = None, /) -> Threads:
        """Returns rtau's thread counts; the engine's where its backend reports them."""
        return cls(
            side="rtau",
            engine=getattr(engine, "threads", None),
            opencv=FILE_THREADS,
            decoder=DECODER_THREADS,
            encoder=ENCODER_THREADS,
            process=len(list(ALL_THREADS.iterdir())) if ALL_THREADS.is_dir() else None,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class PeerRecord:
    """The peer that was measured in the same run."""

    name: str
    """What it is."""
    version: str
    """Its version."""
    model_sha256: str
    """Of its model file."""
    settings: str
    """How it was run."""
    python: str
    """The interpreter that ran it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One target, and how far it is met."""

    name: str
    """What is asked."""
    wanted: str
    """The limit in words: `at least 2.5x`."""
    measured: float | None
    """The measured ratio or value; None when it was skipped."""
    iqr: float | None
    """Distance of the quartiles of the ratios of the pairs."""
    pairs: int
    """How many pairs it is the median of."""
    is_met: bool | None
    """None when it was skipped."""
    note: str | None = None
    """Why it was skipped, or what else to know."""

    def __post_init__(self) -> None:
        if (self.measured is None) != (self.is_met is None):
            raise UsageError(f"target {self.name!r}: measured and is_met go together")
        if self.measured is None and not self.note:
            raise UsageError(f"target {self.name!r} was skipped and must say why")
        if self.measured is not None and not math.isfinite(self.measured):
            raise UsageError(f"target {self.name!r} must be finite, got {self.measured}")


@dataclasses.dataclass(frozen=True, slots=True)
class BenchRecord:
    """Everything one benchmark measured."""

    suite: str
    """Which one: `bench`, `stages`, `targets`."""
    command: str
    """What was run."""
    started_utc: str
    """ISO 8601."""
    finished_utc: str
    """ISO 8601."""
    rtau_version: str
    """Version of rtau."""
    commit: str | None
    """Commit of the checkout; None for an installed wheel."""
    is_dirty: bool | None
    """True when files differed from the commit."""
    machine: Machine
    """Where."""
    device: str
    """What the network really ran on."""
    model: str
    """Name of the model in its contract."""
    packages: tuple[Package, ...]
    """Versions of what can change a figure."""
    threads: tuple[Threads, ...]
    """Thread counts of each side."""
    warm_up: str
    """What ran before anything was timed."""
    clips: tuple[ClipRecord, ...]
    """What was measured on."""
    figures: tuple[Metric, ...]
    """The metrics that were measured."""
    peer: PeerRecord | None = None
    """The peer; None when it was not there."""
    targets: tuple[Target, ...] = ()
    """Targets, where the suite has any."""
    notes: tuple[str, ...] = ()
    """Anything else a reader must know."""
    load_after: float | None = None
    """The machine's load when measuring ended; this benchmark's own work is in it."""
    temperatures_after: tuple[Temperature, ...] = ()
    """Thermal sensors when measuring ended: a hot board is a slow one."""

    def __post_init__(self) -> None:
        if not self.suite or slug(self.suite) != self.suite.replace("_", "-"):
            raise UsageError(f"suite must be a lower-case name, got {self.suite!r}")
        if self.commit is not None and not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise UsageError(f"commit must be 40 hexadecimal digits, got {self.commit!r}")
        for name in ("started_utc", "finished_utc"):
            try:
                datetime.datetime.fromisoformat(getattr(self, name))
            except ValueError:
                raise UsageError(
                    f"{name} must be an ISO 8601 time, got {getattr(self, name)!r}"
                ) from None
        if not self.figures and not self.targets:
            raise UsageError("a record must hold at least one metric or target, got none")
        keys = [metric.key for metric in self.figures]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise UsageError(f"metrics must have different keys, got two with {twice[0]}")
        unknown = {one.clip for one in self.figures} - {clip.name for clip in self.clips} - {None}
        if unknown:
            raise UsageError(f"metrics name clips that are not listed: {sorted(map(str, unknown))}")

    @property
    def file_name(self) -> str:
        """`<suite>--<machine>--<device>.json`."""
        return f"{self.suite}--{self.machine.name}--{device_slug(self.device)}.json"

    def to_json(self) -> str:
        """Returns the record as JSON, keys in the order of the fields."""
        payload = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return json.dumps(payload, indent=1, allow_nan=False) + "\n"


# A record that lacks what is measured.
Begun = functools.partial[BenchRecord]


def begin(suite: str, *, command: str) -> Begun:
    """Returns the record of a benchmark that begins now, on this machine and checkout."""
    commit, is_dirty = revision()
    return functools.partial(
        BenchRecord,
        suite=suite,
        command=command,
        started_utc=utc_now(),
        rtau_version=rtau.__version__,
        commit=commit,
        is_dirty=is_dirty,
        machine=machine(),
        packages=packages(),
    )


def at_end() -> dict[str, Any]:
    """Returns the fields that are taken when measuring has ended."""
    return {
        "finished_utc": utc_now(),
        "load_after": load(),
        "temperatures_after": temperatures(),
    }


def device_slug(device: str) -> str:
    """Returns what ran the network as a part of a file name: `cpu`, `cuda`, `openvino`."""
    found = re.search(r"(\w+)ExecutionProvider", device)
    return slug(found[1] if found else device.partition(" ")[0]) or "unknown"


def parse_bench_record(text: str, *, origin: str) -> BenchRecord:
    """Returns the record a JSON text holds; `origin` names the file in error texts.

    Raises:
        UsageError: not JSON, another schema, or a missing, unknown or wrong field.
    """
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{origin}: a benchmark record must be JSON ({error})") from None
    schema = payload.pop("schema", None) if isinstance(payload, dict) else None
    if schema != SCHEMA:
        raise UsageError(f"{origin}: benchmark schema must be {SCHEMA}, got {schema!r}")
    try:
        return StrictParser(error=UsageError).parse(BenchRecord, payload)
    except UsageError as error:
        raise UsageError(f"{origin}: not a benchmark record: {error}") from None


def read_bench_record(path: Path) -> BenchRecord:
    """Returns the record in a file.

    Raises:
        UsageError: it cannot be read or is no record.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the benchmark record cannot be read ({error})") from None
    return parse_bench_record(text, origin=str(path))


def write_bench_record(path: Path, record: BenchRecord, /) -> None:
    """Writes the record, after reading back what would be written.

    Raises:
        SinkError: the file cannot be written.
    """
    text = record.to_json()
    parse_bench_record(text, origin=str(path))
    name = f"benchmark record {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(not_written(name, error)) from None
    with replacing(path, name=name) as part:
        part.write_text(text, encoding="utf-8")
