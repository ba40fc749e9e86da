"""`rtau video SOURCE...`: files to annotated videos, tables and JSON lines.

One source goes to the outputs that are named; several go to a folder, each under its own name, and
one that fails does not end the others.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from rtau.assembly import search_policy
from rtau.backends import find_model, open_engine
from rtau.cli.given import config_of
from rtau.cli.outputs import RECORD_SUFFIX, Outputs
from rtau.cli.report import print_summary
from rtau.cli.session import Outcome, describe, run_session
from rtau.cli.views import build_view
from rtau.config import RunConfig
from rtau.errors import RtauError, UsageError
from rtau.seams import Engine
from rtau.sources import expand_videos, is_address, open_source


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One source and where its results go."""

    target: str
    outputs: Outputs


def run(args: argparse.Namespace) -> int:
    """Scores the sources; returns the exit code.

    Raises:
        RtauError: what ended the run of a single source, or a request that cannot be met.
    """
    config = config_of(args)
    command = ["rtau", *sys.argv[1:]]
    jobs = _jobs(args.sources, config=config, out_dir=args.out_dir)
    for job in jobs:
        inputs = [Path(other.target) for other in jobs if not is_address(other.target)]
        job.outputs.check(inputs)
    model = config.model
    path = find_model(model.model)
    engine = open_engine(str(path), provider=model.provider, threads=model.threads)
    with contextlib.closing(engine):
        if args.out_dir is None:
            outcome = _run_job(jobs[0], engine, config=config, model_path=path, command=command)
            return outcome.exit_code
        return _run_all(jobs, engine, config=config, model_path=path, command=command)


def _jobs(sources: Sequence[str], *, config: RunConfig, out_dir: Path | None) -> list[Job]:
    """Returns the work: one job with the named outputs, or one per file under `out_dir`."""
    addresses = [source for source in sources if is_address(source)]
    files = expand_videos([source for source in sources if source not in addresses])
    targets = [*addresses, *map(str, files)]
    if out_dir is None:
        if len(targets) > 1:
            raise UsageError(
                f"{len(targets)} sources need a folder for their results: add --out-dir DIR"
            )
        return [Job(targets[0], Outputs.of(config.output))]
    named = Outputs.of(config.output)
    if named.keeps_something or config.output.record is not None:
        raise UsageError("--out-dir names the outputs itself; leave out --out, --csv, --jsonl")
    if addresses:
        raise UsageError(f"--out-dir is for files, got the address {addresses[0]}")
    return _mirrored(files, roots=[Path(source) for source in sources], out_dir=out_dir)


def _mirrored(files: Sequence[Path], *, roots: Sequence[Path], out_dir: Path) -> list[Job]:
    """Returns a job per file; files of a folder keep their place below it.

    Raises:
        UsageError: two files would write to one place.
    """
    jobs: dict[Path, Job] = {}
    for file in files:
        root = next((root for root in roots if root.is_dir() and root in file.parents), None)
        stem = out_dir / (file.relative_to(root) if root else Path(file.name)).with_suffix("")
        if stem in jobs:
            raise UsageError(
                f"{jobs[stem].target} and {file} would both write {stem}.*; run them apart"
            )
        stem.parent.mkdir(parents=True, exist_ok=True)
        outputs = Outputs(
            video=_beside(stem, ".mp4"),
            csv=str(_beside(stem, ".csv")),
            record=_beside(stem, RECORD_SUFFIX),
        )
        jobs[stem] = Job(str(file), outputs)
    return list(jobs.values())


def _beside(stem: Path, suffix: str) -> Path:
    """Returns the name with a suffix added: `with_suffix` would cut `take.1` to `take`."""
    return stem.with_name(stem.name + suffix)


def _run_job(
    job: Job, engine: Engine, *, config: RunConfig, model_path: Path, command: Sequence[str]
) -> Outcome:
    source = open_source(
        job.target, timeout_s=config.source.timeout_s, reconnects=config.source.reconnects
    )
    outcome = run_session(
        source,
        engine,
        config=config,
        model_path=model_path,
        sinks=lambda session: [*job.outputs.sinks(session), build_view(session, job.outputs)],
        record=job.outputs.record,
        outputs=job.outputs.named(),
        command=command,
        policy=search_policy(config),
    )
    print_summary(job.target, outcome, outputs=job.outputs)
    return outcome


def _run_all(
    jobs: Sequence[Job],
    engine: Engine,
    *,
    config: RunConfig,
    model_path: Path,
    command: Sequence[str],
) -> int:
    """Runs every job, goes on after a failure, and ends with the list of failures."""
    failures: list[tuple[str, str]] = []
    for job in jobs:
        try:
            outcome = _run_job(job, engine, config=config, model_path=model_path, command=command)
        except RtauError as error:
            failures.append((job.target, describe(error)))
            print(f"rtau: {job.target}: {describe(error)}", file=sys.stderr)
            continue
        if outcome.interrupted:
            return outcome.exit_code
    done = len(jobs) - len(failures)
    print(f"rtau: {done} of {len(jobs)} sources done", file=sys.stderr)
    for target, reason in failures:
        print(f"  failed: {target}: {reason}", file=sys.stderr)
    return 1 if failures else 0
