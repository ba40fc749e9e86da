"""Runs rtau where it is hard: killed, on full disks, with little memory, on large pictures.

Every row of the table is a command that runs in a process of its own and what must hold afterwards;
the exit code is 1 if one does not. Some need root (a disk of their own, a limit of memory) or a C
compiler (a quota, a slow disk), and say so without.

    PYTHONPATH=. python benchmarks/hard_use.py --write       # make hard
    PYTHONPATH=. python benchmarks/hard_use.py --only kill   # those whose name begins so
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import hard_kills, hard_limits, hard_pictures
from benchmarks.document import origin, write_measured
from benchmarks.hard_runs import Row, Scale
from rtau.argument_parser import StrictArgumentParser
from rtau.errors import RtauError

DOCUMENT = Path(__file__).parents[1] / "docs" / "hard-use.md"
PORTRAITS = Path(__file__).parents[1] / "examples" / "portraits"
SMOKE = Scale(kills=1, frames=20, faces=(1, 4), large=(640, 360), large_frames=2)
# Name -> what yields its rows.
CHECKS: dict[str, Callable[[Path, Scale], Iterator[Row]]] = {
    "kill": hard_kills.rows,
    "disk": hard_limits.disk_rows,
    "memory": hard_limits.memory_rows,
    "core": hard_limits.core_rows,
    "faces": hard_pictures.face_rows,
    "large": hard_pictures.large_rows,
}


def main() -> int:
    """Runs the checks, prints or writes their tables; returns 1 if one does not hold."""
    parser = StrictArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME", help=", ".join(CHECKS))
    parser.add_argument("--kills", type=int, default=Scale.kills, metavar="N")
    parser.add_argument("--portraits", type=Path, default=PORTRAITS, metavar="DIR")
    parser.add_argument("--smoke", action="store_true", help="small: shows that the code runs")
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    args = parser.parse_args()
    scale = SMOKE if args.smoke else Scale(kills=args.kills)
    scale = dataclasses.replace(scale, portraits=args.portraits)
    holds = True
    for name, check in CHECKS.items():
        if not name.startswith(args.only):
            continue
        found = list(_shown(check, scale))
        holds &= all(row.holds is not False for row in found)
        lines = [origin("onnxruntime", "av"), "", "| where | asked | came |", "|---|---|---|"]
        if args.write:
            text = "\n".join([*lines, *map(str, found)])
            write_measured(DOCUMENT, text, script=f"benchmarks/hard_use.py --only {name}")
    return int(not holds)


def _shown(check: Callable[[Path, Scale], Iterator[Row]], scale: Scale) -> Iterator[Row]:
    """Yields the rows of one check, and prints each as it comes."""
    with tempfile.TemporaryDirectory(prefix="hard-") as folder:
        Path(folder).chmod(0o755)  # for the checks that run as another user
        try:
            for row in check(Path(folder), scale):
                sys.stdout.write(f"{row}\n")
                sys.stdout.flush()
                yield row
        except RtauError as error:
            raise SystemExit(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
