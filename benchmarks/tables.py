"""Writes the tables of benchmarks/README.md from the newest results, between its markers.

Reads records and computes nothing; a test compares its tables with those in the document. `make
bench` calls it.

    PYTHONPATH=. python benchmarks/tables.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rtau.argument_parser import StrictArgumentParser
from rtau.runs.bench.metrics import Metric
from rtau.runs.bench.record import BenchRecord, Target, read_bench_record

HERE = Path(__file__).resolve().parent
DOCUMENT, RESULTS = HERE / "README.md", HERE / "results"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NONE = "No results are kept yet; `make bench` and `make bench-targets` write them."
# Order of the suites in the document; others follow by name.
ORDER = ("targets", "soak", "end_to_end", "stages", "infer", "cam")


def newest(results: Path = RESULTS) -> list[BenchRecord]:
    """Returns the newest record of each suite, machine and device."""
    found: dict[str, BenchRecord] = {}
    for path in sorted(results.glob("*/*.json")):
        record = read_bench_record(path)
        before = found.get(record.file_name)
        if before is None or before.finished_utc <= record.finished_utc:
            found[record.file_name] = record
    return sorted(found.values(), key=_place)


def document_part(records: Sequence[BenchRecord]) -> str:
    """Returns what stands between the markers, markers included."""
    parts = ["\n".join(_section(record)) for record in records] or [NONE]
    return "\n\n".join([BEGIN, *parts, END])


def target_rows(targets: Iterable[Target]) -> Iterator[str]:
    """Yields the Markdown table of targets."""
    yield "| target | wanted | measured | IQR | pairs | met |"
    yield "|---|---|---|---|---|---|"
    for one in targets:
        iqr = "" if one.iqr is None else f"{one.iqr:.3g}"
        if one.measured is None:
            yield f"| {one.name} | {one.wanted} | skipped: {one.note} | | | |"
            continue
        note = f" ({one.note})" if one.note else ""
        met = "yes" if one.is_met else "**no**"
        measured = f"{one.measured:.3g}{note}"
        yield f"| {one.name} | {one.wanted} | {measured} | {iqr} | {one.pairs} | {met} |"


def metric_rows(metrics: Sequence[Metric]) -> Iterator[str]:
    """Yields the Markdown table of metrics: a row for each metric, a column for each clip."""
    clips = list(dict.fromkeys(metric.clip for metric in metrics))
    by_place = {(_row(metric), metric.clip): metric for metric in metrics}
    yield "| p50, ms | " + " | ".join(clip or "" for clip in clips) + " |"
    yield "|---|" + "---|" * len(clips)
    for row in dict.fromkeys(_row(metric) for metric in metrics):
        cells = [by_place.get((row, clip)) for clip in clips]
        yield f"| {row} | " + " | ".join(_cell(one) for one in cells) + " |"


def write(document: Path = DOCUMENT, *, results: Path = RESULTS) -> None:
    """Rewrites the part of the document between the markers."""
    text = document.read_text(encoding="utf-8")
    old = text[text.index(BEGIN) : text.index(END) + len(END)]
    document.write_text(text.replace(old, document_part(newest(results))), encoding="utf-8")


def main() -> int:
    """Writes the tables; returns 0."""
    StrictArgumentParser(description="Write the tables of benchmarks/README.md.").parse_args()
    write()
    return 0


def _place(record: BenchRecord) -> tuple[int, str]:
    known = record.suite in ORDER
    return (ORDER.index(record.suite) if known else len(ORDER), record.file_name)


def _section(record: BenchRecord) -> Iterator[str]:
    machine = record.machine
    commit = "no checkout" if record.commit is None else record.commit[:10]
    changed = ", files changed since" if record.is_dirty else ""
    yield f"### {record.suite.replace('_', ' ').capitalize()}: {machine.cpu}, {record.device}"
    yield ""
    yield (
        f"{', '.join([f'{machine.cores} cores', *machine.instructions])}, "
        f"{record.finished_utc[:10]}, rtau {record.rtau_version} at "
        f"{commit}{changed}, model {record.model}, load {machine.load} at the start."
    )
    if record.peer is not None:
        yield f"Peer: {record.peer.name} {record.peer.version}, {record.peer.settings}."
    yield ""
    if record.targets:
        yield from target_rows(record.targets)
        yield ""
    if record.figures:
        yield from metric_rows(record.figures)
    for note in record.notes:
        yield f"\n{note}"


def _row(metric: Metric) -> str:
    parts = [metric.name, metric.precision, metric.device]
    words = ", ".join(part for part in parts if part)
    return words if metric.unit == "ms" else f"{words}, {metric.unit}"


def _cell(metric: Metric | None) -> str:
    return "" if metric is None else f"{metric.p50:.3g}"


if __name__ == "__main__":
    sys.exit(main())
