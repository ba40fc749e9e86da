"""`rtau video SOURCE... --out-dir DIR`: from the flags of the command to a batch.

Imported by `rtau.cli.video` where a folder is named, and only there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rtau.config import RunConfig
from rtau.errors import UsageError
from rtau.runs.batch.plan import kinds_of
from rtau.runs.batch.run import BatchOptions, run_batch
from rtau.sources import is_address

# Kinds of results where `--write` does not say.
USUAL_KINDS = ("mp4", "csv")


def run_many(args: argparse.Namespace, config: RunConfig, *, command: Sequence[str]) -> int:
    """Scores the sources into a folder; returns the exit code.

    Raises:
        RtauError: a request that cannot be met.
    """
    return run_batch(_batch_options(args), config, command=command)


def _batch_options(args: argparse.Namespace) -> BatchOptions:
    addresses = [source for source in args.sources if is_address(source)]
    if addresses:
        raise UsageError(f"--out-dir is for files, got the address {addresses[0]}")
    return BatchOptions(
        sources=tuple(args.sources),
        out_dir=args.out_dir,
        kinds=USUAL_KINDS if args.write is None else kinds_of(args.write),
        jobs=args.jobs,
        resume=args.resume,
        fail_fast=args.fail_fast,
        full_names=args.full_names,
        cluster=args.cluster,
    )
