"""What surrounds the figures of a record: when, where, with what, and how many threads.

Taken when measuring begins and completed when it ends; measures nothing. Used by everything that
writes a benchmark record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import rtau
from rtau.cpu import usable_cores
from rtau.execution.opencv_threads import FILE_THREADS
from rtau.protocols import Engine
from rtau.runs.bench.figures import Figure
from rtau.runs.bench.machine import (
    Machine,
    load,
    machine,
    packages,
    revision,
    temperatures,
)
from rtau.runs.bench.record import BenchRecord, ClipRecord, PeerRecord, Target, Threads
from rtau.runs.run_record import utc_now
from rtau.sinks.video_encoder import QUICK_PRESETS, QUICK_PX, THREADS_OF_A_RUN
from rtau.sources.decoding import DECODER_THREADS

CHECKOUT = Path(rtau.__file__).resolve().parent.parent
ALL_THREADS = Path("/proc/self/task")
ENCODER_THREADS = (
    "auto"
    if usable_cores() > THREADS_OF_A_RUN
    else f"1 for up to {QUICK_PX} px and presets up to {QUICK_PRESETS[-1]}, else auto"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """The circumstances of one benchmark, as they were at its start."""

    suite: str
    """Name of the suite."""
    command: str
    """What was run."""
    started_utc: str
    """ISO 8601."""
    machine: Machine
    """Where."""
    commit: str | None
    """Commit of the checkout; None outside of one."""
    is_dirty: bool | None
    """True when files differed from it."""

    @classmethod
    def begin(cls, suite: str, *, command: str) -> Context:
        """Returns the circumstances of now."""
        commit, is_dirty = revision(CHECKOUT)
        return cls(
            suite=suite,
            command=command,
            started_utc=utc_now(),
            machine=machine(),
            commit=commit,
            is_dirty=is_dirty,
        )

    def record(  # noqa: PLR0913 - the parts of a record
        self,
        *,
        device: str,
        model: str,
        threads: Sequence[Threads],
        warm_up: str,
        clips: Sequence[ClipRecord],
        figures: Sequence[Figure],
        peer: PeerRecord | None = None,
        targets: Sequence[Target] = (),
        notes: Sequence[str] = (),
    ) -> BenchRecord:
        """Returns the record of what was measured between `begin` and now."""
        return BenchRecord(
            suite=self.suite,
            command=self.command,
            started_utc=self.started_utc,
            finished_utc=utc_now(),
            rtau_version=rtau.__version__,
            commit=self.commit,
            is_dirty=self.is_dirty,
            machine=self.machine,
            device=device,
            model=model,
            packages=packages(),
            threads=tuple(threads),
            warm_up=warm_up,
            clips=tuple(clips),
            figures=tuple(figures),
            peer=peer,
            targets=tuple(targets),
            notes=tuple(notes),
            load_after=load(),
            temperatures_after=temperatures(),
        )


def own_threads(engine: Engine | None = None, /) -> Threads:
    """Returns the thread counts of rtau's side; of a backend that names its own they are known."""
    alive = len(list(ALL_THREADS.iterdir())) if ALL_THREADS.is_dir() else None
    return Threads(
        side="rtau",
        engine=getattr(engine, "threads", None),
        opencv=FILE_THREADS,
        decoder=DECODER_THREADS,
        encoder=ENCODER_THREADS,
        process=alive,
    )
