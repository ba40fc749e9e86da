"""Runs the suites and writes their metrics as benchmark records: `make bench`.

Times nothing itself: pytest-benchmark does, and this turns its JSON into one checked record per
suite under `results/<version>/`; then the tables of README.md are written again.

    PYTHONPATH=.:train:export python benchmarks/measure.py bench_stages.py bench_end_to_end.py
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rtau
from benchmarks import tables
from benchmarks.compose_clips import ROOT
from rtau.argument_parser import StrictArgumentParser
from rtau.runs.bench.live import LiveCost
from rtau.runs.bench.metrics import WARM_UPS, Metric, metric
from rtau.runs.bench.record import (
    Begun,
    BenchRecord,
    ClipRecord,
    Threads,
    at_end,
    begin,
    write_bench_record,
)

SUITES = ("bench_stages.py", "bench_infer.py", "bench_end_to_end.py", "bench_cam.py")
RESULTS = ROOT / "benchmarks" / "results"
SEVERAL = "several"
# A suite whose library is not installed skips everything: pytest's exit code, and its warning.
NOTHING_COLLECTED = 5
EMPTY_IS_NO_ERROR = "default::pytest_benchmark.logger.PytestBenchmarkWarning"


def suite_of(benchmark: Mapping[str, Any]) -> str:
    """Returns the suite a benchmark of pytest belongs to: `stages` for bench_stages.py."""
    return Path(benchmark["fullname"].partition("::")[0]).stem.removeprefix("bench_")


def metrics_of(benchmark: Mapping[str, Any]) -> list[Metric]:
    """Returns the metrics of one benchmark of pytest, ms."""
    about = benchmark["extra_info"]
    clip = (about.get("clip") or {}).get("name")
    if "live" in about:
        return LiveCost(**about["live"]).metrics(clip=clip)
    of = {
        "clip": clip,
        "batch": about.get("batch"),
        "precision": about.get("precision"),
        "device": about.get("device"),
    }
    name = about.get("name") or f"{benchmark['group']}: {benchmark['name']}"
    units = about.get("units", 1)
    return [metric(name, [seconds * 1e3 / units for seconds in benchmark["stats"]["data"]], **of)]


def records_of(payload: Mapping[str, Any], begun: Mapping[str, Begun]) -> list[BenchRecord]:
    """Returns a record per suite from what pytest-benchmark wrote with its samples."""
    found = []
    for suite, record in begun.items():
        benchmarks = [one for one in payload["benchmarks"] if suite_of(one) == suite]
        if not benchmarks:
            continue
        about = [one["extra_info"] for one in benchmarks]
        clips = {one["clip"]["name"]: ClipRecord(**one["clip"]) for one in about if one.get("clip")}
        found.append(
            record(
                **at_end(),
                device=_same(one.get("run_on", SEVERAL) for one in about),
                model=_same(one.get("network", one.get("model", SEVERAL)) for one in about),
                threads=(Threads.of_rtau(),),
                warm_up=f"{WARM_UPS} rounds before each metric, none counted",
                clips=tuple(clips.values()),
                figures=tuple(found for one in benchmarks for found in metrics_of(one)),
            )
        )
    return found


def measure(suites: Sequence[str], *, more: Sequence[str] = ()) -> list[BenchRecord]:
    """Returns the records of some suites, run one after the other.

    Raises:
        SystemExit: a suite failed; its output is on the terminal.
    """
    found: list[BenchRecord] = []
    for suite in suites:
        name = Path(suite).stem.removeprefix("bench_")
        begun = begin(name, command=suite)
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder) / "benchmarks.json"
            command = [
                *(sys.executable, "-m", "pytest", str(ROOT / "benchmarks" / suite), *more),
                *(f"--benchmark-json={written}", "--benchmark-save-data", "--benchmark-only"),
                *("--benchmark-columns=median,iqr,rounds", "-W", EMPTY_IS_NO_ERROR),
            ]
            code = subprocess.run(command, cwd=ROOT, check=False).returncode
            if code not in (0, NOTHING_COLLECTED):
                raise SystemExit(f"{suite} failed with code {code}; nothing was written")
            text = written.read_text(encoding="utf-8") if written.is_file() else ""
        if not text:
            sys.stdout.write(f"{suite}: nothing to measure here; pytest names the reasons above\n")
            continue
        found += records_of(json.loads(text), {name: begun})
    return found


def keep(record: BenchRecord, /, *, results: Path = RESULTS) -> Path:
    """Returns where the record was written: results/<version>/<suite>--<machine>--<device>.json."""
    path = results / rtau.__version__ / record.file_name
    write_bench_record(path, record)
    return path


def add_output_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say where a record is written."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the record there")
    parser.add_argument("--write", action="store_true", help="keep the record and its tables")


def keep_as_asked(record: BenchRecord, arguments: argparse.Namespace) -> None:
    """Writes the record where the flags of `add_output_flags` say."""
    if arguments.json is not None:
        write_bench_record(arguments.json, record)
    if arguments.write:
        sys.stdout.write(f"{keep(record)}\n")
        tables.write()


def main() -> int:
    """Runs suites, writes their records and the tables; returns 0."""
    parser = StrictArgumentParser(description="Run benchmark suites and keep their records.")
    parser.add_argument("suites", nargs="*", default=list(SUITES), metavar="SUITE")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="measure on these clips too")
    arguments = parser.parse_args()
    more = [] if arguments.clips is None else [f"--clips={arguments.clips}"]
    for record in measure(arguments.suites, more=more):
        sys.stdout.write(f"{keep(record)}\n")
    tables.write()
    return 0


def _same(values: Iterable[str]) -> str:
    """Returns the one value of all, or `several`."""
    found = set(values)
    return found.pop() if len(found) == 1 else SEVERAL


if __name__ == "__main__":
    sys.exit(main())
