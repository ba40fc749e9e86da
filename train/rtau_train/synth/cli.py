"""The verbs `rtau-train synth` and `synth-assets`: their flags, and what they print.

Added to the parser of `rtau_train.cli`. Progress goes to stderr, the folder's name to stdout.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rtau.errors import UsageError
from rtau_train.synth import build, workers, writer

_LEAST_PX = 64
_MOST_PX = 1024
# Without a terminal a line is printed this often.
_LINES = 20


def add_verbs(verbs: Any, /) -> None:
    """Adds `synth` and `synth-assets` to the subparsers of a command line."""
    synth = verbs.add_parser("synth", help="render labelled faces (docs/synth.md)")
    synth.add_argument("--assets", type=Path, required=True, metavar="DIR", help="asset folder")
    synth.add_argument("--count", type=int, required=True, metavar="N", help="pictures to have")
    synth.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    synth.add_argument("--seed", type=int, default=1, metavar="K", help="another K, other faces")
    synth.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes, a core each"
    )
    synth.add_argument("--size", type=int, default=128, metavar="PX", help="side of a picture")
    synth.set_defaults(run=run)
    make = verbs.add_parser("synth-assets", help="make the asset folder from its public sources")
    make.add_argument("sources", type=Path, metavar="SOURCES", help="folder of the sources")
    make.add_argument("assets", type=Path, metavar="OUT", help="folder to write")
    make.set_defaults(run=make_assets)


def run(arguments: argparse.Namespace) -> None:
    """Renders what is missing of an order, then writes its labels.

    Raises:
        UsageError: a number is out of its range, or the folder holds another order.
    """
    _check(arguments)
    order = writer.Order(
        assets=arguments.assets,
        out=arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        size=arguments.size,
    )
    writer.begin(order)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("rendering"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    written = order.count - sum(len(part) for part in order.missing())
    task = bar.add_task("", total=order.count, completed=written)
    step = max(1, order.count // _LINES)

    def progress(pictures: int) -> None:
        nonlocal written
        before, written = written, written + pictures
        bar.update(task, completed=written)
        if bar.disable and before // step != written // step:
            console.print(f"rendered {written}/{order.count}")

    try:
        with bar:
            workers.write_all(order, jobs=arguments.jobs, progress=progress)
    except KeyboardInterrupt:
        # What is finished is usable, and the same command goes on from here.
        _label(order, console)
        raise
    _label(order, console)
    print(order.out)


def make_assets(arguments: argparse.Namespace) -> None:
    """Makes the asset folder."""
    console = Console(stderr=True)
    build.build_assets(arguments.sources, arguments.assets, say=console.print)
    print(arguments.assets)


def _label(order: writer.Order, console: Console) -> None:
    finished = writer.assemble(order)
    console.print(f"{finished} of {order.count} pictures are labelled in {order.out}")


def _check(arguments: argparse.Namespace) -> None:
    for name, low, high in (
        ("count", 1, 100_000_000),
        ("jobs", 1, 1024),
        ("seed", 0, 2**32 - 1),
        ("size", _LEAST_PX, _MOST_PX),
    ):
        value = getattr(arguments, name)
        if not low <= value <= high:
            raise UsageError(f"--{name} must be between {low} and {high}, got {value}")
