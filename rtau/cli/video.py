"""`rtau video SOURCE...`: files to annotated videos, tables and JSON lines.

One source goes to the outputs that are named; several go to a folder, each under its own name, and
`rtau.runs.batch` does that.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rtau.cli.settings import config_of
from rtau.config import RunConfig
from rtau.errors import UsageError
from rtau.runs.log import say
from rtau.runs.outputs import Outputs
from rtau.runs.session import run_source
from rtau.runs.views import open_view
from rtau.sources import expand_videos, is_address, open_source


def run(args: argparse.Namespace) -> int:
    """Scores the sources; returns the exit code.

    Raises:
        RtauError: what ended the run of a single source, or a request that cannot be met.
    """
    config = config_of(args)
    command = ["rtau", *sys.argv[1:]]
    if args.out_dir is not None:
        # Only here: a single file has its first result a twelfth of a second sooner without it.
        batch = importlib.import_module("rtau.cli.batch")
        return int(batch.run_many(args, config, command=command))
    _refuse_batch_flags(args)
    return _run_one(_only(args.sources), config, command=command)


def _run_one(target: str, config: RunConfig, *, command: Sequence[str]) -> int:
    settings = config.source
    outcome = run_source(
        lambda: open_source(target, timeout_s=settings.timeout_s, reconnects=settings.reconnects),
        config,
        outputs=Outputs.of(config.output, inputs=[] if is_address(target) else [Path(target)]),
        views=lambda session: [open_view(session)],
        command=command,
    )
    say(f"{target}: {outcome}")
    return outcome.exit_code


def _only(sources: Sequence[str]) -> str:
    """Returns the one source that is named.

    Raises:
        UsageError: there are more.
    """
    addresses = [source for source in sources if is_address(source)]
    files = expand_videos([source for source in sources if source not in addresses])
    targets = [*addresses, *map(str, files)]
    if len(targets) > 1:
        raise UsageError(
            f"{len(targets)} sources need a folder for their results: add --out-dir DIR"
        )
    return targets[0]


def _refuse_batch_flags(args: argparse.Namespace) -> None:
    given = {
        "--jobs": args.jobs is not None,
        "--resume": args.resume,
        "--fail-fast": args.fail_fast,
        "--full-names": args.full_names,
        "--write": args.write is not None,
        "--cluster": args.cluster is not None,
    }
    wrong = [flag for flag, is_given in given.items() if is_given]
    if wrong:
        raise UsageError(f"{wrong[0]} is for many files: add --out-dir DIR, or leave it out")
