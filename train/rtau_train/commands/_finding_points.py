"""The flags of the verbs that look for MediaPipe's points, and the progress they show.

Called by `label_geometry.py` and `warp.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from rtau_train.geometry_teacher.landmarker import MeshPoints, find_points

# Progress is printed this often.
_LINES: Final = 5


def add_landmarker_flags(verb: argparse.ArgumentParser, /) -> None:
    """Adds the flags that say which pictures are taken and who finds their points."""
    verb.add_argument(
        "--landmarker-python", required=True, metavar="PYTHON", help="one that has MediaPipe"
    )
    verb.add_argument(
        "--source",
        action="append",
        metavar="NAME",
        help="of a folder with blendshapes.csv, only rows with this word in column source",
    )
    verb.add_argument(
        "--leave-out", type=Path, metavar="FILE", help="names of pictures to leave out, one a line"
    )


def find(paths: Sequence[Path], arguments: argparse.Namespace, console: Console, /) -> MeshPoints:
    """Returns the points of some pictures, and says on `console` how far it is."""
    step = max(1, len(paths) // _LINES)

    def progress(done: int) -> None:
        if done % step == 0:
            console.print(f"points of {done}/{len(paths)} pictures")

    return find_points(paths, python=arguments.landmarker_python, progress=progress)
