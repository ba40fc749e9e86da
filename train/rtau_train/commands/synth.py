"""The verbs `rtau-train synth`, `synth-clip` and `synth-assets`: flags, and what they print.

Added to the parser of `rtau_train.commands.main`. Progress goes to stderr, the folder's name to
stdout.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rtau.errors import UsageError
from rtau_train.synth import build, clip, parallel_rendering, writer
from rtau_train.synth.avatars import avatar_names

_LEAST_PX = 64
_MOST_PX = 1024
# Without a terminal a line is printed this often.
_LINES = 20


def add_verbs(verbs: Any, /) -> None:
    """Adds the verbs to the subparsers of a command line."""
    synth = verbs.add_parser("synth", help="render labelled faces (docs/synth.md)")
    heads = synth.add_mutually_exclusive_group(required=True)
    heads.add_argument("--assets", type=Path, metavar="DIR", help="asset folder")
    heads.add_argument(
        "--avatars", type=Path, metavar="DIR", help="folder of VALID avatars, in its place"
    )
    synth.add_argument(
        "--people", metavar="NAMES", help="of the avatars only these, separated by commas"
    )
    synth.add_argument("--count", type=int, required=True, metavar="N", help="pictures to have")
    synth.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    synth.add_argument("--seed", type=int, default=1, metavar="K", help="another K, other faces")
    synth.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes, a core each"
    )
    synth.add_argument("--size", type=int, default=128, metavar="PX", help="side of a picture")
    synth.set_defaults(run=run)
    film = verbs.add_parser("synth-clip", help="render a video with known AU curves")
    film.add_argument("--assets", type=Path, required=True, metavar="DIR", help="asset folder")
    film.add_argument("--out", type=Path, required=True, metavar="CLIP.mp4")
    film.add_argument("--seconds", type=float, default=24.0, metavar="S")
    film.add_argument("--fps", type=int, default=25, metavar="F")
    film.add_argument("--seed", type=int, default=1, metavar="K", help="another K, another head")
    film.add_argument("--size", type=int, default=360, metavar="PX", help="side of the video")
    film.set_defaults(run=make_clip)
    make = verbs.add_parser("synth-assets", help="make the asset folder from its public sources")
    make.add_argument("sources", type=Path, metavar="SOURCES", help="folder of the sources")
    make.add_argument("assets", type=Path, metavar="OUT", help="folder to write")
    make.set_defaults(run=make_assets)


def run(arguments: argparse.Namespace) -> None:
    """Renders what is missing of a job, then writes its labels.

    Raises:
        UsageError: a number is out of its range, or the folder holds another job.
    """
    _check_numbers(arguments, (("count", 1, 100_000_000), ("jobs", 1, 1024)))
    _check_numbers(arguments, (("seed", 0, 2**32 - 1), ("size", _LEAST_PX, _MOST_PX)))
    job = writer.RenderJob(
        assets=arguments.assets or arguments.avatars,
        avatars=_people(arguments.avatars, arguments.people),
        out=arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        size=arguments.size,
    )
    writer.begin(job)
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
    written = job.count - sum(len(part) for part in job.missing())
    task = bar.add_task("", total=job.count, completed=written)
    step = max(1, job.count // _LINES)

    def progress(pictures: int) -> None:
        nonlocal written
        before, written = written, written + pictures
        bar.update(task, completed=written)
        if bar.disable and before // step != written // step:
            console.print(f"rendered {written}/{job.count}")

    try:
        with bar:
            parallel_rendering.write_all(job, jobs=arguments.jobs, progress=progress)
    except KeyboardInterrupt:
        # What is finished is usable, and the same command goes on from here.
        _label(job, console)
        raise
    _label(job, console)
    print(job.out)


def _people(avatars: Path | None, named: str | None) -> tuple[str, ...]:
    """Returns the avatars to draw; none with an asset folder."""
    if avatars is None:
        if named is not None:
            raise UsageError("--people names avatars; give --avatars DIR in place of --assets")
        return ()
    present = avatar_names(avatars)
    wanted = present if named is None else tuple(named.split(","))
    unknown = [name for name in wanted if name not in present]
    if unknown:
        raise UsageError(
            f"--people must name avatars of {avatars} ({', '.join(present)}), got "
            f"{', '.join(unknown)}"
        )
    return wanted


def make_clip(arguments: argparse.Namespace) -> None:
    """Renders a video and its curves.

    Raises:
        UsageError: a number is out of its range.
    """
    _check_numbers(arguments, (("seed", 0, 2**32 - 1), ("size", _LEAST_PX, _MOST_PX)))
    _check_numbers(arguments, (("fps", 1, 240), ("seconds", 1 / 240, 3600)))
    if arguments.size % 2:
        raise UsageError(f"--size must be even for H.264, got {arguments.size}")
    if not arguments.out.parent.is_dir():
        raise UsageError(f"{arguments.out.parent}: no such folder; make it first")
    renderer = parallel_rendering.open_renderer(arguments.assets, size=arguments.size)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rendering", total=round(arguments.seconds * arguments.fps))
        clip.write_clip(
            renderer,
            arguments.out,
            seconds=arguments.seconds,
            fps=arguments.fps,
            seed=arguments.seed,
            progress=lambda frames: bar.advance(task, frames),
        )
    print(arguments.out)


def make_assets(arguments: argparse.Namespace) -> None:
    """Makes the asset folder."""
    console = Console(stderr=True)
    build.build_assets(arguments.sources, arguments.assets, say=console.print)
    print(arguments.assets)


def _label(job: writer.RenderJob, console: Console) -> None:
    finished = writer.assemble(job)
    console.print(f"{finished} of {job.count} pictures are labelled in {job.out}")


def _check_numbers(
    arguments: argparse.Namespace, ranges: tuple[tuple[str, float, float], ...]
) -> None:
    for name, low, high in ranges:
        value = getattr(arguments, name)
        if not low <= value <= high:
            raise UsageError(f"--{name} must be between {low:g} and {high:g}, got {value}")
