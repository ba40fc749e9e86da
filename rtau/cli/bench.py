"""`rtau bench [CLIP]`: how fast rtau is on this machine, stage by stage and from end to end.

Parses what is to be measured, hands it to `rtau.runs.bench.suite`, and prints the record as tables;
with `--json` it is written too. Measures nothing itself. The `rtau` command calls it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from rtau.backends import find_model
from rtau.cli.parser import PEERS
from rtau.errors import UsageError
from rtau.runs.bench.metrics import Metric
from rtau.runs.bench.peer import NAME
from rtau.runs.bench.record import BenchRecord, Threads, write_bench_record
from rtau.runs.bench.runs import KINDS
from rtau.runs.bench.suite import Plan, Size, measure
from rtau.sinks import check_output

# Metrics of whole runs, which are shown as frames per second too.
RUNS = (*KINDS.values(), NAME)
SECONDS = (0.01, 600.0)


def run(args: argparse.Namespace) -> int:
    """Measures, prints the tables, writes the record; returns 0.

    Raises:
        RtauError: a request that cannot be met, or a model or clip that cannot be opened.
    """
    plan = plan_of(args)
    if args.json is not None:
        clip = [] if args.clip is None else [args.clip]
        check_output(args.json, inputs=[find_model(args.model), *clip])
    record = measure(plan, command=" ".join(["rtau", *sys.argv[1:]]), progress=_progress)
    sys.stderr.write("\r\x1b[K" if sys.stderr.isatty() else "")
    show(record, console=Console())
    if args.json is not None:
        write_bench_record(args.json, record)
    return 0


def plan_of(args: argparse.Namespace) -> Plan:
    """Returns the plan of a parsed command line.

    Raises:
        UsageError: a value outside its range or of the wrong form.
    """
    if not SECONDS[0] <= args.seconds <= SECONDS[1]:
        raise UsageError(
            f"--seconds must lie in [{SECONDS[0]:g}, {SECONDS[1]:g}], got {args.seconds:g}"
        )
    if not 0 <= args.threads <= 256:
        raise UsageError(f"--threads must lie in [0, 256], got {args.threads}")
    return Plan(
        model=args.model,
        provider=args.provider,
        threads=args.threads,
        clip=args.clip,
        faces=tuple(parse_faces(args.faces)) if args.faces else (),
        sizes=tuple(parse_sizes(args.sizes)) if args.sizes else (),
        seconds=args.seconds,
        frames=args.frames,
        with_peer=args.peer != PEERS[1],
    )


def parse_faces(text: str) -> list[int]:
    """Returns the numbers in `1,4,8`.

    Raises:
        UsageError: something else.
    """
    if not re.fullmatch(r"\d{1,2}(,\d{1,2})*", text):
        raise UsageError(f"--faces must be numbers such as 1,4,8, got {text!r}")
    return [int(number) for number in text.split(",")]


def parse_sizes(text: str) -> list[Size]:
    """Returns the sizes in `640x360,1280x720`, px.

    Raises:
        UsageError: something else.
    """
    if not re.fullmatch(r"\d{1,5}x\d{1,5}(,\d{1,5}x\d{1,5})*", text):
        raise UsageError(f"--sizes must be sizes such as 640x360,1280x720, got {text!r}")
    pairs = [one.split("x") for one in text.split(",")]
    return [(int(width), int(height)) for width, height in pairs]


def show(record: BenchRecord, *, console: Console) -> None:
    """Prints the record for people."""
    for line in facts(record):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for clip in record.clips:
        rows = [metric for metric in record.figures if metric.clip == clip.name]
        faces = f"{clip.faces} face{'s' if clip.faces != 1 else ''}"
        title = f"{clip.name}: {clip.width}x{clip.height}, {faces}, {clip.fps:g} fps"
        console.print()
        console.print(_table(title, rows))
    alone = [metric for metric in record.figures if metric.clip is None]
    if alone:
        console.print()
        console.print(_table("Fresh processes", alone))
    for note in record.notes:
        console.print(f"\n{note}", markup=False, highlight=False, soft_wrap=True)


def facts(record: BenchRecord) -> Iterator[str]:
    """Yields the machine, versions and settings that the tables depend on, a line each."""
    yield f"rtau {record.rtau_version}{_revision(record)}, model {record.model}, {record.device}"
    yield ", ".join(_machine_parts(record))
    yield ", ".join(f"{one.name} {one.version}" for one in record.packages if one.name != "rtau")
    for side in record.threads:
        yield f"threads of {side.side}: {', '.join(_thread_parts(side))}"
    if record.peer is not None:
        yield f"peer: {record.peer.name} {record.peer.version}, {record.peer.settings}"
    yield "Milliseconds a frame (or a call); core-ms: processor time of all threads, mean."


def _revision(record: BenchRecord) -> str:
    if record.commit is None:
        return ""
    return f" ({record.commit[:10]}{', changed' if record.is_dirty else ''})"


def _machine_parts(record: BenchRecord) -> Iterator[str]:
    machine = record.machine
    yield f"{machine.board or machine.cpu}, {machine.cores} cores"
    if machine.memory_mib is not None:
        yield f"{machine.memory_mib / 1024:.0f} GiB"
    yield f"{machine.system}, Python {machine.python}"
    for name in ("governor", "gpu", "power_mode"):
        if value := getattr(machine, name):
            yield f"{name.replace('_', ' ')} {value}"
    later = {one.zone: one.celsius for one in record.temperatures_after}
    for one in machine.temperatures:
        after = f" to {later[one.zone]:.0f}" if one.zone in later else ""
        yield f"{one.zone} {one.celsius:.0f}{after} °C"
    if machine.load is not None:
        yield f"load {machine.load:.2f} at the start"


def _thread_parts(side: Threads) -> Iterator[str]:
    for name in ("engine", "opencv", "decoder", "encoder", "process"):
        if (value := getattr(side, name)) is not None:
            yield f"{name} {value}"


def _table(title: str, rows: Sequence[Metric]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in ("p50", "p95", "p99", "IQR", "core-ms", "fps", "n"):
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Metric) -> Iterable[str]:
    name = row.name if row.unit == "ms" else f"{row.name}, {row.unit}"
    if row.batch is not None and f" {row.batch} " not in row.name:
        name = f"{name} (batch {row.batch})"
    cpu = "" if row.cpu_ms is None else f"{row.cpu_ms:.2f}"
    fps = f"{1e3 / row.p50:.1f}" if row.name in RUNS and row.p50 else ""
    values = [f"{value:.2f}" for value in (row.p50, row.p95, row.p99, row.iqr)]
    return [name, *values, cpu, fps, str(row.rounds)]


def _progress(words: str) -> None:
    """Shows what is being measured, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()
