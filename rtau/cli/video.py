"""`rtau video SOURCE...`: video files to annotated videos, tables and JSON lines.

One source goes to the outputs that are named. Several go into one table that is named
(`rtau.runs.joint`), or to a folder, each under its own name (`rtau.runs.batch`).
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rtau.cli.parser import config_of
from rtau.config import RunConfig
from rtau.errors import UsageError
from rtau.protocols import Sink, Source
from rtau.runs.build import is_streaming
from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.session import Session, run_source
from rtau.runs.streams import check_streams, open_streams, refuse_streams
from rtau.runs.views import open_view
from rtau.sources import (
    IMAGE_SUFFIXES,
    FoundFiles,
    expand_videos,
    is_address,
    open_file,
    open_source,
)
from rtau.sources.image_container import animation_length

BATCH_FLAGS = ("jobs", "resume", "fail_fast", "full_names", "write", "merge", "cluster")


def run(args: argparse.Namespace) -> int:
    """Scores the sources; returns the exit code.

    Raises:
        RtauError: the error that ended a single run, or options that exclude each other.
    """
    config = config_of(args)
    check_streams(config)
    check_no_images(args.sources)
    command = ["rtau", *sys.argv[1:]]
    if args.out_dir is not None:
        refuse_streams(config, where="--out-dir")
        return _run_batch(args, config, command=command)
    for name in BATCH_FLAGS:
        value = getattr(args, name)
        if value is not None and value is not False:  # 0 jobs is a value
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for many files: add --out-dir DIR, or leave it out")
    addresses, found = _addresses_and_files(args.sources)
    left_out = str(found.left_out)
    if left_out:
        say(left_out)
    options = RunOptions(args, config, command, [left_out] if left_out else [])
    targets: list[str | Path] = [*addresses, *found.files]
    if len(targets) == 1:
        return _run_one(targets[0], options)
    refuse_streams(config, where=f"{len(targets)} sources")
    return _run_all(targets, options)


@dataclasses.dataclass(frozen=True, slots=True)
class RunOptions:
    """What the runs of one command have in common."""

    args: argparse.Namespace
    config: RunConfig
    command: Sequence[str]
    notes: Sequence[str]
    """Remarks on the choice of the sources, for the record."""


def check_no_images(sources: Sequence[str]) -> None:
    """Raises UsageError for an image among the sources, unless it is an animation FFmpeg reads."""
    for source in sources:
        path = Path(source)
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        raw = path.read_bytes()
        if animation_length(raw) == 1:
            raise UsageError(f"{source} is an image; score it with `rtau image {source}`")
        if raw[8:12] == b"WEBP":
            raise UsageError(
                f"{source} is an animated WebP, which FFmpeg does not decode; convert it to mp4, "
                f"or score its first picture with `rtau image {source}`"
            )


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


def _run_one(target: str | Path, options: RunOptions) -> int:
    """Runs an address, which is a text, or a file."""
    config, settings = options.config, options.config.source

    def opened() -> Source:
        if isinstance(target, Path):
            return open_file(target)
        return open_source(target, timeout_s=settings.timeout_s, reconnects=settings.reconnects)

    file = target if isinstance(target, Path) else None

    def views(session: Session) -> list[Sink]:
        is_kept = session.outputs.keeps_something or is_streaming(config)
        if not is_kept and config.output.view in ("auto", "terminal"):
            name = f"{'results' if file is None else file.stem}.csv"
            say(f"no output is named: results are shown and not kept; --csv {name} keeps them")
        return [*open_streams(session), open_view(session)]

    outcome = run_source(
        opened,
        config,
        outputs=Outputs.of(config, inputs=[file, options.args.config]),
        views=views,
        command=options.command,
        notes=options.notes,
    )
    say(f"{target}: {outcome}")
    return outcome.exit_code


def _run_all(targets: Sequence[str | Path], options: RunOptions) -> int:
    """Runs several files into one table.

    Raises:
        UsageError: no table is named, or one of the sources is no file.
    """
    config = options.config
    if not (config.output.csv or config.output.parquet or config.output.jsonl):
        raise UsageError(
            f"{len(targets)} sources need a place for their results: add --csv FILE for one table "
            "of all, or --out-dir DIR for files of each"
        )
    files = [target for target in targets if isinstance(target, Path)]
    if len(files) < len(targets):
        raise UsageError(f"one table of several sources takes files, got the address {targets[0]}")
    joint = importlib.import_module("rtau.runs.joint")
    return int(
        joint.run_into_one(
            files,
            config,
            command=options.command,
            inputs=[options.args.config],
            notes=options.notes,
        )
    )


def _addresses_and_files(sources: Sequence[str]) -> tuple[list[str], FoundFiles]:
    """Returns the addresses and the files that are named."""
    addresses = [source for source in sources if is_address(source)]
    return addresses, expand_videos([source for source in sources if source not in addresses])
