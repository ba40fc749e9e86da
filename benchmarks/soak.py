"""Runs live for minutes and measures what must not grow: delay, memory, lost frames: `make soak`.

A drawn figure of 1280x720 at 30 frames per second is detected, scored and annotated, and the
pictures are discarded. Measures this very process, which imports rtau and nothing else.

    PYTHONPATH=. python benchmarks/soak.py --minutes 10
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from benchmarks import tables
from benchmarks.measure import add_output_flags, keep_as_asked
from benchmarks.pairs import Limit
from rtau.argument_parser import StrictArgumentParser
from rtau.backends import open_engine
from rtau.data import FrameResult, Picture
from rtau.protocols import SinkReport
from rtau.runs.bench.live import LIVE_FPS, LiveCost, run_live
from rtau.runs.bench.metrics import metric
from rtau.runs.bench.processes import resident_mib
from rtau.runs.bench.record import Begun, BenchRecord, Target, Threads, at_end, begin
from rtau.runs.bench.suite import Plan, settings_of
from rtau.sources.synthetic import SyntheticSource

PIECES = 10
WIDTH, HEIGHT = 1280, 720
MB = 1e6 / 2**20
# More than the scatter of ten pieces on an idle machine, less than a minute's frames would pile up.
DELAY = Limit("growth of the delay (p95, capture to overlay)", "at most", 1.0, "ms a minute")
MEMORY = Limit("resident memory", "at most", 300.0, "MB")
GROWTH = Limit("growth of the memory", "at most", 0.5, "MB a minute")
LOST = Limit("frames dropped", "at most", 1.0, "%")


class MemoryLog:
    """Keeps the resident memory of this process about once a second. A `Sink`."""

    name = "memory"
    wants_overlay = False
    is_view = False
    is_slow = False

    def __init__(self) -> None:
        self.mib: list[float] = []
        self._frames = 0

    def write(self, _result: FrameResult, _picture: Picture | None, /) -> None:
        """Reads the memory with every 30th frame: the kernel walks the process for it."""
        if self._frames % LIVE_FPS == 0 and (mib := resident_mib()) is not None:
            self.mib.append(mib)
        self._frames += 1

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing."""


@dataclasses.dataclass(frozen=True)
class Pieces:
    """A run in pieces of equal length, in order."""

    delay_p95_ms: tuple[float, ...]
    """95th percentile of the delay in each."""
    memory_mib: tuple[float, ...]
    """Largest resident memory in each; none where the system does not report it."""


def soak(minutes: float, *, pieces: int, begun: Begun) -> tuple[BenchRecord, Pieces]:
    """Returns the record of a live run of so many minutes, and the run piece by piece."""
    plan, memory = Plan(), MemoryLog()
    with closing(open_engine(plan.model)) as engine:
        source = SyntheticSource(
            frames=round(minutes * 60 * LIVE_FPS),
            width=WIDTH,
            height=HEIGHT,
            fps=LIVE_FPS,
            live=True,
        )
        cost = run_live(source, engine, config=settings_of(plan, engine), sinks=[memory])
        found = in_pieces(cost, memory.mib, pieces=pieces)
        metrics = cost.metrics(clip=None)
        if memory.mib:
            metrics.append(metric("resident memory", [max(memory.mib)], unit="MiB"))
        record = begun(
            **at_end(),
            device=engine.device,
            model=engine.contract.name,
            threads=(Threads.of_rtau(engine),),
            warm_up="the first second is not measured",
            clips=(),
            figures=tuple(metrics),
            targets=tuple(targets_of(cost, found, minutes=minutes)),
            notes=(f"{minutes:g} minutes, {cost.faces:.2f} faces a frame",),
        )
    return record, found


def in_pieces(cost: LiveCost, memory_mib: list[float], *, pieces: int) -> Pieces:
    """Returns a run in so many pieces, or in fewer where it has fewer frames or readings."""
    delays = np.array_split(cost.latencies_ms, min(pieces, len(cost.latencies_ms)))
    memory = np.array_split(memory_mib, min(pieces, len(memory_mib))) if memory_mib else []
    return Pieces(
        delay_p95_ms=tuple(float(np.percentile(piece, 95)) for piece in delays),
        memory_mib=tuple(float(piece.max()) for piece in memory),
    )


def targets_of(cost: LiveCost, pieces: Pieces, *, minutes: float) -> Iterator[Target]:
    """Yields the target of each limit."""
    lost = f"{cost.dropped} of {cost.captured}"
    yield LOST.target([100 * cost.dropped / cost.captured], note=lost)
    yield _growth(DELAY, pieces.delay_p95_ms, minutes=minutes)
    if not pieces.memory_mib:
        why = "this system does not report a process's memory"
        yield MEMORY.skip(why)
        yield GROWTH.skip(why)
        return
    memory_mb = tuple(mib / MB for mib in pieces.memory_mib)
    yield MEMORY.target([max(memory_mb)])
    yield _growth(GROWTH, memory_mb, minutes=minutes)


def _growth(limit: Limit, values: tuple[float, ...], *, minutes: float) -> Target:
    if len(values) < 3:
        return limit.skip("too short: growth needs three pieces or more")
    return limit.target([growth_per_minute(values, minutes=minutes)])


def growth_per_minute(values: tuple[float, ...], /, *, minutes: float) -> float:
    """Returns the least-squares slope of values at equal distances over so many minutes.

    The first value is left out: memory pools and caches fill in its piece.
    """
    slope, _ = np.polyfit(np.arange(len(values) - 1) * minutes / len(values), values[1:], 1)
    return float(slope)


def piece_rows(pieces: Pieces) -> Iterator[str]:
    """Yields the run piece by piece as a Markdown table."""
    yield "| piece | delay p95, ms | memory, MiB |"
    yield "|---|---|---|"
    both = itertools.zip_longest(pieces.delay_p95_ms, pieces.memory_mib)
    for number, (p95_ms, mib) in enumerate(both, start=1):
        yield f"| {number} | {p95_ms:.1f} | {'' if mib is None else f'{mib:.1f}'} |"


def main() -> int:
    """Soaks and prints; returns 0."""
    parser = StrictArgumentParser(description="Run live for minutes; see what grows.")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--smoke", action="store_true", help="four seconds: shows the code runs")
    add_output_flags(parser)
    arguments = parser.parse_args()
    minutes, pieces = (4 / 60, 3) if arguments.smoke else (arguments.minutes, PIECES)
    begun = begin("soak", command=" ".join(["python", *sys.argv]))
    record, found = soak(minutes, pieces=pieces, begun=begun)
    lines = [*tables.target_rows(record.targets), "", *piece_rows(found)]
    sys.stdout.write("\n".join(lines) + "\n")
    keep_as_asked(record, arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
