"""Which files a list of files, folders and patterns means.

Reads names only, never a file. Called by `rtau video` and `rtau image`, and by
`open_source` for images.
"""

from __future__ import annotations

import glob
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rtau.errors import SourceOpenError

VIDEO_SUFFIXES = frozenset(
    (
        ".3gp",
        ".avi",
        ".flv",
        ".gif",
        ".h264",
        ".hevc",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".ogv",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
    )
)
IMAGE_SUFFIXES = frozenset(
    (
        ".avif",
        ".bmp",
        ".dib",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".ras",
        ".sr",
        ".tif",
        ".tiff",
        ".webp",
    )
)

TABLE_SUFFIXES = frozenset((".csv", ".parquet"))


def expand_videos(paths: Sequence[Path | str]) -> list[Path]:
    """Returns the video files that files, folders and patterns mean, each once, in order.

    A file is taken whatever its suffix is. A folder stands for the videos in it and in all folders
    below it, sorted by path with numbers by value (`clip2` before `clip10`), hidden ones left out.
    A pattern (`*.mp4`, `**/*.mov`) stands for the sorted videos it matches.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without a video.
    """
    return _expand(paths, kind="video", suffixes=VIDEO_SUFFIXES)


def expand_images(paths: Sequence[Path | str]) -> list[Path]:
    """Returns the image files that files, folders and patterns mean, each once, in order.

    The rules are those of `expand_videos`.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without an image.
    """
    return _expand(paths, kind="image", suffixes=IMAGE_SUFFIXES)


def expand_tables(path: Path | str) -> list[Path]:
    """Returns the tables that one file, folder or pattern means; the rules are those above.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without a table.
    """
    return _files(Path(path), kind="table", suffixes=TABLE_SUFFIXES)


def tree_of(name: Path | str) -> Path | None:
    """Returns the folder below which the files a name stands for have their places.

    That is a folder itself, and for a pattern the folder before its first wildcard; None for the
    name of a file, which has no place in a tree.
    """
    path = Path(name)
    if path.is_dir():
        return path
    if not is_pattern(str(path)):
        return None
    return Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts[:-1]))


def is_pattern(name: str) -> bool:
    """Returns True for a name with wildcards that is not the name of something itself."""
    return glob.has_magic(name) and not Path(name).exists()


def _expand(paths: Sequence[Path | str], *, kind: str, suffixes: frozenset[str]) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        for file in _files(path, kind=kind, suffixes=suffixes):
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _files(path: Path, *, kind: str, suffixes: frozenset[str]) -> list[Path]:
    if path.is_dir():
        files = _fitting(path.rglob("*"), suffixes, below=path)
        place = f"{path}: the folder (and those below it) has no {kind}"
    elif is_pattern(str(path)):
        matches = glob.glob(str(path), recursive=True)  # noqa: PTH207 - Path.glob has no absolute ones
        files = _fitting(map(Path, matches), suffixes)
        place = f"{path}: the pattern matches no {kind}"
    elif path.exists():
        return [path]
    else:
        raise SourceOpenError(f"{path}: there is no such file or folder; check the path")
    if not files:
        raise SourceOpenError(f"{place}; looked for {' '.join(sorted(suffixes))}")
    return files


def _fitting(
    paths: Iterator[Path], suffixes: frozenset[str], *, below: Path | None = None
) -> list[Path]:
    fitting = []
    for path in paths:
        inside = path if below is None else path.relative_to(below)
        hidden = any(part.startswith(".") for part in inside.parts if part not in (".", ".."))
        if path.suffix.lower() in suffixes and not hidden and path.is_file():
            fitting.append(path)
    return sorted(fitting, key=_natural)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Returns a key that sorts numbers by value: clip2 before clip10."""
    pieces = re.split(r"(\d+)", str(path))
    return [(1, int(p), "") if p.isdecimal() else (0, 0, p) for p in pieces]
