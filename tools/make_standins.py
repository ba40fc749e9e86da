"""Makes a stand-in of a data set, in the layout it is distributed in, from rendered faces.

    python tools/make_standins.py FACES OUT --layout disfa+ --count 3000 --seed 1

FACES is a folder in the rendered-crops layout (`rtau-train synth` writes one). For trying out
`rtau-train prepare` and what follows it without the real data; nothing in it is a photograph.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

# A script has only its own folder on the path; what it shares with the tests is two folders up.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.standin_scenes import read_renders
from tests.support.standins import LAYOUTS, make


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("faces", type=Path, metavar="FACES", help="rendered-crops layout")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; must not exist")
    parser.add_argument("--layout", required=True, choices=LAYOUTS)
    parser.add_argument("--count", type=int, default=3000, metavar="N", help="renders to use")
    parser.add_argument("--seed", type=int, default=1, metavar="K")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="J")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"{arguments.out} is there already; choose another OUT")
    renders = read_renders(arguments.faces)
    if not 1 <= arguments.count <= len(renders):
        parser.error(f"--count must be between 1 and {len(renders)}, got {arguments.count}")
    start_s = time.perf_counter()
    pictures = make(
        arguments.layout,
        renders,
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        jobs=arguments.jobs,
    )
    took_s = time.perf_counter() - start_s
    print(f"{arguments.out}: {pictures} picture files in {took_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
