"""Runs live for minutes and looks at what must not grow: delay, memory, lost frames: `make soak`.

A drawn figure comes at 30 frames a second and 1280x720, is searched, scored and annotated, and the
pictures are thrown away. Measures this very process, which imports rtau and nothing else.

    PYTHONPATH=. python benchmarks/soak.py --minutes 10
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks import tables
from benchmarks.measure import keep
from benchmarks.pairs import Limit
from rtau.backends import open_engine
from rtau.runs.bench.context import Context, own_threads
from rtau.runs.bench.figures import figure
from rtau.runs.bench.live import LIVE_FPS, PIECES, LiveCost, growth_per_minute, run_live
from rtau.runs.bench.record import BenchRecord, Target, write_bench_record
from rtau.runs.bench.suite import Plan, live_figures, settings_of
from rtau.sources.synthetic import SyntheticSource

WIDTH, HEIGHT = 1280, 720
MB = 1e6 / 2**20
# More than the scatter of ten pieces on an idle machine, less than a minute's frames would pile up.
DELAY = Limit("growth of the delay (p95, capture to overlay)", "at most", 1.0, "ms a minute")
MEMORY = Limit("resident memory", "at most", 300.0, "MB")
GROWTH = Limit("growth of the memory", "at most", 0.5, "MB a minute")
LOST = Limit("frames dropped", "at most", 1.0, "%")


def soak(minutes: float, *, pieces: int, context: Context) -> tuple[BenchRecord, LiveCost]:
    """Returns the record of a live run of so many minutes, and what it showed piece by piece."""
    plan = Plan()
    seconds = minutes * 60
    with closing(open_engine(plan.model)) as engine:
        source = SyntheticSource(
            frames=round(seconds * LIVE_FPS), width=WIDTH, height=HEIGHT, fps=LIVE_FPS, live=True
        )
        config = settings_of(plan, engine)
        cost = run_live(source, engine, config=config, seconds=seconds, pieces=pieces)
        memory = figure("resident memory", [max(cost.piece_rss_mib)], unit="MiB")
        record = context.record(
            device=engine.device,
            model=engine.contract.name,
            threads=[own_threads(engine)],
            warm_up="the first second is not looked at",
            clips=[],
            figures=[*live_figures(cost, clip=None), memory],
            targets=list(judged(cost, minutes=minutes)),
            notes=[f"{minutes:g} minutes, {cost.faces:.2f} faces a frame"],
        )
    return record, cost


def judged(cost: LiveCost, *, minutes: float) -> Iterator[Target]:
    """Yields what the run says of each limit."""
    lost = f"{cost.dropped} of {cost.captured}"
    yield LOST.judge([100 * cost.dropped / cost.captured], note=lost)
    if len(cost.piece_p95_ms) < 3:
        yield DELAY.skip("too short: growth needs three pieces or more")
    else:
        yield DELAY.judge([growth_per_minute(cost.piece_p95_ms, minutes=minutes)])
    if not all(cost.piece_rss_mib):
        why = "this system does not tell a process's memory"
        yield MEMORY.skip(why)
        yield GROWTH.skip(why)
        return
    yield MEMORY.judge([max(cost.piece_rss_mib) / MB])
    if len(cost.piece_rss_mib) < 3:
        yield GROWTH.skip("too short: growth needs three pieces or more")
    else:
        yield GROWTH.judge([growth_per_minute(cost.piece_rss_mib, minutes=minutes) / MB])


def piece_rows(cost: LiveCost) -> Iterator[str]:
    """Yields the run piece by piece as a Markdown table."""
    yield "| piece | delay p95, ms | memory, MiB |"
    yield "|---|---|---|"
    for number, (p95_ms, rss) in enumerate(
        zip(cost.piece_p95_ms, cost.piece_rss_mib, strict=True), start=1
    ):
        yield f"| {number} | {p95_ms:.1f} | {rss:.1f} |"


def main() -> int:
    """Soaks and prints; returns 0."""
    parser = argparse.ArgumentParser(description="Run live for minutes; see what grows.")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="M")
    parser.add_argument("--smoke", action="store_true", help="four seconds: shows the code runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the record there")
    parser.add_argument("--write", action="store_true", help="keep the record and its tables")
    arguments = parser.parse_args()
    minutes, pieces = (4 / 60, 3) if arguments.smoke else (arguments.minutes, PIECES)
    context = Context.begin("soak", command=" ".join(["python", *sys.argv]))
    record, cost = soak(minutes, pieces=pieces, context=context)
    lines = [*tables.target_rows(record.targets), "", *piece_rows(cost)]
    sys.stdout.write("\n".join(lines) + "\n")
    if arguments.json is not None:
        write_bench_record(arguments.json, record)
    if arguments.write:
        sys.stdout.write(f"{keep(record)}\n")
        tables.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
