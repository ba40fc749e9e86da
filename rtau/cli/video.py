"""`rtau video SOURCE...`: video files to annotated videos, tables and JSON lines.

One source goes to the outputs that are named. Several go into one table that is named
(`rtau.runs.joint`), or to a folder, each under its own name (`rtau.runs.batch`).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rtau.cli.parser import config_of
from rtau.config import RunConfig
from rtau.errors import UsageError
from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.session import run_source
from rtau.runs.streams import check_streams, open_streams, refuse_streams
from rtau.runs.views import open_view
from rtau.sources import expand_videos, is_address, open_source

BATCH_FLAGS = ("jobs", "resume", "fail_fast", "full_names", "write", "merge", "cluster")


def run(args: argparse.Namespace) -> int:
    """Scores the sources; returns the exit code.

    Raises:
        RtauError: the error that ended a single run, or options that exclude each other.
    """
    config = config_of(args)
    check_streams(config)
    command = ["rtau", *sys.argv[1:]]
    if args.out_dir is not None:
        refuse_streams(config, where="--out-dir")
        return _run_batch(args, config, command=command)
    for name in BATCH_FLAGS:
        value = getattr(args, name)
        if value is not None and value is not False:  # 0 jobs is a value
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for many files: add --out-dir DIR, or leave it out")
    targets = _targets(args.sources)
    if len(targets) == 1:
        return _run_one(targets[0], args, config, command=command)
    refuse_streams(config, where=f"{len(targets)} sources")
    return _run_all(targets, args, config, command=command)


def _run_batch(args: argparse.Namespace, config: RunConfig, *, command: Sequence[str]) -> int:
    addresses = [source for source in args.sources if is_address(source)]
    if addresses:
        raise UsageError(f"--out-dir is for files, got the address {addresses[0]}")
    # Imported here, because it delays the first result of a single file by a twelfth of a second.
    batch = importlib.import_module("rtau.runs.batch.run")
    options = batch.BatchOptions(
        sources=tuple(args.sources),
        out_dir=args.out_dir,
        write=args.write,
        jobs=args.jobs,
        resume=args.resume,
        fail_fast=args.fail_fast,
        full_names=args.full_names,
        merge=args.merge,
        cluster=args.cluster,
        config_file=args.config,
    )
    return int(batch.run_batch(options, config, command=command))


def _run_one(
    target: str, args: argparse.Namespace, config: RunConfig, *, command: Sequence[str]
) -> int:
    settings = config.source
    outcome = run_source(
        lambda: open_source(target, timeout_s=settings.timeout_s, reconnects=settings.reconnects),
        config,
        outputs=Outputs.of(
            config, inputs=[None if is_address(target) else Path(target), args.config]
        ),
        views=lambda session: [*open_streams(session), open_view(session)],
        command=command,
    )
    say(f"{target}: {outcome}")
    return outcome.exit_code


def _run_all(
    targets: Sequence[str], args: argparse.Namespace, config: RunConfig, *, command: Sequence[str]
) -> int:
    """Runs several files into one table.

    Raises:
        UsageError: no table is named, or one of the sources is no file.
    """
    if not (config.output.csv or config.output.parquet or config.output.jsonl):
        raise UsageError(
            f"{len(targets)} sources need a place for their results: add --csv FILE for one table "
            "of all, or --out-dir DIR for files of each"
        )
    addresses = [target for target in targets if is_address(target)]
    if addresses:
        raise UsageError(
            f"one table of several sources takes files, got the address {addresses[0]}"
        )
    joint = importlib.import_module("rtau.runs.joint")
    files = [Path(one) for one in targets]
    return int(joint.run_into_one(files, config, command=command, inputs=[args.config]))


def _targets(sources: Sequence[str]) -> list[str]:
    """Returns the addresses and the files that are named."""
    addresses = [source for source in sources if is_address(source)]
    files = expand_videos([source for source in sources if source not in addresses])
    return [*addresses, *map(str, files)]
