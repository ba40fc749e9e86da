"""Composes the clips that benchmarks run on: 1, 2, 4 and 8 faces at three sizes, kept in a folder.

Needs only `examples/one_face.mp4`. Composed clips are cached in `benchmarks/.clips`, which git
ignores. Run by hand it composes all of them; suites call `composed` for those they need.

    PYTHONPATH=. python benchmarks/compose_clips.py
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from pathlib import Path

from rtau.argument_parser import StrictArgumentParser
from rtau.runs.bench.clips import GAP, clip_record, compose
from rtau.runs.bench.record import ClipRecord
from rtau.runs.bench.suite import Size, clip_name
from rtau.sources import expand_videos

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "one_face.mp4"
CACHE = ROOT / "benchmarks" / ".clips"
FACES = (1, 2, 4, 8)
SIZES: tuple[Size, ...] = ((640, 360), (1280, 720), (1920, 1080))
# Ten seconds.
FRAMES = 250


@dataclasses.dataclass(frozen=True)
class Clip:
    """A clip and its record."""

    path: Path
    record: ClipRecord


def composed(
    faces: int, size: Size, *, frames: int = FRAMES, base: Path = EXAMPLE, cache: Path = CACHE
) -> Clip:
    """Returns a composed clip, from the cache if it is there and was made of the same base."""
    cache.mkdir(parents=True, exist_ok=True)
    origin = clip_record(base, faces=1)
    folder = cache / f"{base.stem}-{origin.sha256[:12]}-{frames}-gap{GAP:.3f}"
    folder.mkdir(exist_ok=True)
    path = folder / f"{clip_name(faces, size)}.mp4"
    made_from = f"{base.name}, {faces} tiles"
    if not path.is_file():
        part = path.with_name(f"part-{path.name}")
        compose(base, part, faces=faces, size=size, frames=frames)
        part.replace(path)
    return Clip(path, clip_record(path, faces=faces, made_from=made_from))


def given(folder: Path) -> list[Clip]:
    """Returns the clips of a folder as they are; their number of faces is unknown: 0.

    Raises:
        SourceOpenError: there is none.
    """
    paths = expand_videos([str(folder)]).files
    return [Clip(path, clip_record(path, faces=0)) for path in paths]


def main() -> int:
    """Composes every clip; returns 0."""
    parser = StrictArgumentParser(description="Compose the clips benchmarks run on.")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="list the clips of a folder too")
    parser.add_argument("--frames", type=int, default=FRAMES, metavar="N")
    arguments = parser.parse_args()
    clips = [
        composed(faces, size, frames=arguments.frames)
        for size, faces in itertools.product(SIZES, FACES)
    ]
    if arguments.clips is not None:
        clips += given(arguments.clips)
    for clip in clips:
        one = clip.record
        sys.stdout.write(
            f"{clip.path}: {one.width}x{one.height}, {one.frames} frames, {one.faces} faces\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
