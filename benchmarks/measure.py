"""Runs the suites and writes what they found as benchmark records: `make bench`.

Times nothing itself: pytest-benchmark does, and this turns its JSON into one record per suite,
checked and laid under `results/<version>/`; then the tables of README.md are written anew.

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
from rtau.runs.bench.context import Context, own_threads
from rtau.runs.bench.figures import WARM_UPS, Figure, figure
from rtau.runs.bench.record import BenchRecord, ClipRecord, write_bench_record

SUITES = ("bench_stages.py", "bench_infer.py", "bench_end_to_end.py", "bench_cam.py")
RESULTS = ROOT / "benchmarks" / "results"
SEVERAL = "several"
# A suite whose library is not installed skips all it has: pytest's exit code and a warning.
NOTHING_COLLECTED = 5
EMPTY_IS_NO_ERROR = "default::pytest_benchmark.logger.PytestBenchmarkWarning"


def suite_of(benchmark: Mapping[str, Any]) -> str:
    """Returns the suite a benchmark of pytest belongs to: `stages` for bench_stages.py."""
    return Path(benchmark["fullname"].partition("::")[0]).stem.removeprefix("bench_")


def figures_of(benchmark: Mapping[str, Any]) -> Iterable[Figure]:
    """Yields the figures of one benchmark of pytest, ms."""
    about = benchmark["extra_info"]
    clip = about.get("clip")
    of = {
        "clip": None if clip is None else clip["name"],
        "batch": about.get("batch"),
        "precision": about.get("precision"),
        "device": about.get("device"),
    }
    if "ages_ms" in about:
        yield figure(about["name"], about["ages_ms"], **of)
        for kind in ("dropped", "captured"):
            yield figure(f"live, frames {kind}", [float(about[kind])], unit="frames", **of)
        return
    name = about.get("name") or f"{benchmark['group']}: {benchmark['name']}"
    per = about.get("per", 1)
    yield figure(name, [seconds * 1e3 / per for seconds in benchmark["stats"]["data"]], **of)


def records_of(payload: Mapping[str, Any], contexts: Mapping[str, Context]) -> list[BenchRecord]:
    """Returns a record per suite from what pytest-benchmark wrote with its samples."""
    found = []
    for suite, context in contexts.items():
        benchmarks = [one for one in payload["benchmarks"] if suite_of(one) == suite]
        if not benchmarks:
            continue
        about = [one["extra_info"] for one in benchmarks]
        clips = {one["clip"]["name"]: ClipRecord(**one["clip"]) for one in about if one.get("clip")}
        found.append(
            context.record(
                device=_same(one.get("run_on", SEVERAL) for one in about),
                model=_same(one.get("network", one.get("model", SEVERAL)) for one in about),
                threads=[own_threads()],
                warm_up=f"{WARM_UPS} rounds before each figure, none counted",
                clips=list(clips.values()),
                figures=[figure for one in benchmarks for figure in figures_of(one)],
            )
        )
    return found


def measure(suites: Sequence[str], *, more: Sequence[str] = ()) -> list[BenchRecord]:
    """Returns the records of some suites, run one after the other.

    Raises:
        SystemExit: a suite failed; its own words are on the terminal.
    """
    found: list[BenchRecord] = []
    for suite in suites:
        context = Context.begin(Path(suite).stem.removeprefix("bench_"), command=f"{suite}")
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
            sys.stdout.write(f"{suite}: nothing to measure here, pytest says why\n")
            continue
        found += records_of(json.loads(text), {context.suite: context})
    return found


def keep(record: BenchRecord, /, *, results: Path = RESULTS) -> Path:
    """Returns where the record was written: results/<version>/<suite>--<machine>--<device>.json."""
    path = results / rtau.__version__ / record.file_name
    write_bench_record(path, record)
    return path


def main() -> int:
    """Runs suites, writes their records and the tables; returns 0."""
    parser = argparse.ArgumentParser(description="Run benchmark suites and keep their records.")
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
