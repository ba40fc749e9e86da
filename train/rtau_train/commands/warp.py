"""The verb `rtau-train warp`: flags, and what it prints.

Added to the parser of `rtau_train.commands.main`. The counts and the folder's name go to stdout,
progress to stderr.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import cv2
from rich.console import Console

from rtau.errors import UsageError
from rtau_train.commands._finding_points import add_landmarker_flags, find
from rtau_train.geometry_teacher import pictures, teacher
from rtau_train.synth.assets import read_assets
from rtau_train.warping.displacement import displacements
from rtau_train.warping.folder import WarpJob, warpable, write_pairs

_RANGES: Final = (("size", 64, 512), ("per_face", 1, 1000), ("seed", 0, 2**32 - 1))
# Progress is printed this often.
_LINES: Final = 20


def add_verbs(verbs: Any, /) -> None:
    """Adds the verb to the subparsers of a command line."""
    verb = verbs.add_parser(
        "warp", help="pairs of portraits and the same with known AUs (docs/data-sets.md)"
    )
    verb.add_argument("pictures", type=Path, nargs="+", metavar="PICTURES", help="folders")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    verb.add_argument(
        "--teacher", type=Path, required=True, metavar="JSON", help="of label-geometry"
    )
    verb.add_argument("--assets", type=Path, required=True, metavar="DIR", help="of synth")
    verb.add_argument(
        "--london",
        choices=("odd", "even", "all"),
        help="PICTURES are the London set: the neutral faces of these people, with --expressive "
        "the smiling ones too",
    )
    verb.add_argument(
        "--expressive",
        action="store_true",
        help="also faces that smile or speak; only AUs of brows and lids are moved in them",
    )
    verb.add_argument(
        "--per-face", type=int, default=6, metavar="N", help="warped pictures of a face (6)"
    )
    verb.add_argument("--size", type=int, default=176, metavar="PX", help="side of the crops (176)")
    verb.add_argument("--seed", type=int, default=1, metavar="K", help="another K, other warps")
    add_landmarker_flags(verb)
    verb.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Chooses the pictures and writes their pairs.

    Raises:
        RtauError: a flag is wrong, an input cannot be read, or MediaPipe is missing.
    """
    for name, low, high in _RANGES:
        value = getattr(arguments, name)
        if not low <= value <= high:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} must be between {low} and {high}, got {value}")
    # Pictures are small: threads would wait for each other longer than they work.
    cv2.setNumThreads(1)
    console = Console(stderr=True, soft_wrap=True)
    portraits = pictures.without(_portraits(arguments), arguments.leave_out)
    made = teacher.read(arguments.teacher)
    by = displacements(read_assets(arguments.assets))
    mesh = find([portrait.path for portrait in portraits], arguments, console)
    rows = warpable(made, mesh, with_expressive=arguments.expressive)
    if not len(rows):
        at_rest = "" if arguments.expressive else " with its mouth shut and at rest"
        raise UsageError(
            f"none of {len(portraits)} pictures shows one face that looks ahead{at_rest}; give "
            "portraits from the front"
        )
    step = max(1, len(rows) // _LINES)

    def progress(done: int) -> None:
        if done % step == 0:
            console.print(f"warped {done}/{len(rows)} faces")

    job = WarpJob(arguments.out, arguments.per_face, arguments.size, arguments.seed)
    chosen = [portraits[row] for row in rows]
    count = write_pairs(job, chosen, mesh.take(rows), teacher=made, by=by, progress=progress)
    print(f"{count} pairs of {len(rows)} faces; {len(portraits) - len(rows)} pictures left out")
    print(arguments.out)


def _portraits(arguments: argparse.Namespace) -> list[pictures.Portrait]:
    if arguments.london is None:
        return [
            portrait
            for source in arguments.pictures
            for portrait in pictures.read_portraits(source, of=arguments.source or ())
        ]
    shown = ("neutral", "smiling") if arguments.expressive else ("neutral",)
    return [
        pair[expression]
        for source in arguments.pictures
        for pair in pictures.read_london(source, people=arguments.london)
        for expression in shown
    ]
