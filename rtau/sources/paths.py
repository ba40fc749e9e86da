"""Which files a list of files, folders and patterns means, and what lies beside them unread.

Reads names only, never a file. Called by `rtau video` and `rtau image`, and by
`open_source` for images.
"""

from __future__ import annotations

import collections
import dataclasses
import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rtau.errors import SourceOpenError

# What FFmpeg reads, by the names that cameras, phones and recorders give it.
VIDEO_SUFFIXES = frozenset(
    [
        ".264",
        ".265",
        ".3g2",
        ".3gp",
        ".3gpp",
        ".amv",
        ".apng",
        ".asf",
        ".avc",
        ".avi",
        ".divx",
        ".dv",
        ".f4v",
        ".flv",
        ".gif",
        ".h264",
        ".h265",
        ".hevc",
        ".insv",
        ".ivf",
        ".lrv",
        ".m1v",
        ".m2p",
        ".m2t",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mj2",
        ".mjpeg",
        ".mjpg",
        ".mk3d",
        ".mkv",
        ".mod",
        ".mov",
        ".mp4",
        ".mp4v",
        ".mpe",
        ".mpeg",
        ".mpg",
        ".mpv",
        ".mts",
        ".mxf",
        ".nut",
        ".obu",
        ".ogm",
        ".ogv",
        ".ogx",
        ".qt",
        ".rm",
        ".rmvb",
        ".tod",
        ".tp",
        ".trp",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".wtv",
        ".xvid",
        ".y4m",
    ]
)
# What OpenCV reads.
IMAGE_SUFFIXES = frozenset(
    [
        ".avif",
        ".bmp",
        ".dib",
        ".jfif",
        ".jif",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".mpo",
        ".pam",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".pxm",
        ".ras",
        ".sr",
        ".tif",
        ".tiff",
        ".webp",
    ]
)
# The part of a pattern that stands for folders in folders.
ANY_DEPTH = "**"
# Places that a line names; of more it gives the number.
NAMED_PLACES = 3

TABLE_SUFFIXES = frozenset((".csv", ".parquet"))


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """What lies in the folders and patterns that were named, and is not taken."""

    closed: tuple[str, ...] = ()
    """Folders that cannot be opened, each with the reason."""
    broken: tuple[str, ...] = ()
    """Names with a fitting suffix that are no files: broken links, pipes."""
    suffixes: dict[str, int] = dataclasses.field(default_factory=dict)
    """Number of files of other kinds, by suffix."""
    hidden: int = 0
    """Number of files with a fitting suffix whose name, or a folder's, begins with a dot."""

    def __str__(self) -> str:
        """Returns it in one line; empty where nothing is left out."""
        parts = []
        for places, one, many in (
            (self.closed, "folder that cannot be opened", "folders that cannot be opened"),
            (self.broken, "broken link or special file", "broken links or special files"),
        ):
            if places:
                more = len(places) - NAMED_PLACES
                named = "; ".join(places[:NAMED_PLACES]) + (
                    f"; and {more} more" if more > 0 else ""
                )
                parts.append(f"{len(places)} {one if len(places) == 1 else many} ({named})")
        if count := sum(self.suffixes.values()):
            kinds = ", ".join(f"{number} {kind}" for kind, number in self.suffixes.items())
            parts.append(f"{count} other file{'' if count == 1 else 's'} ({kinds})")
        if self.hidden:
            parts.append(f"{self.hidden} hidden file{'' if self.hidden == 1 else 's'}")
        return f"left out: {', '.join(parts)}" if parts else ""


@dataclasses.dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files that names, folders and patterns mean."""

    files: list[Path]
    """Each once, in order."""
    left_out: LeftOut
    """What lies beside them."""


def expand_videos(paths: Sequence[Path | str]) -> FoundFiles:
    """Returns the video files that files, folders and patterns mean, each once, in order.

    A file is taken whatever its suffix is. A folder stands for the videos in it and in all folders
    below it, sorted by path with numbers by value (`clip2` before `clip10`), hidden ones left out;
    links to folders are followed, each folder once. A pattern (`*.mp4`, `**/*.mov`) stands for the
    sorted videos it matches; folders that exist stand for themselves, whatever their names.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without a video.
    """
    return _expand(paths, kind="video", suffixes=VIDEO_SUFFIXES)


def expand_images(paths: Sequence[Path | str]) -> FoundFiles:
    """Returns the image files that files, folders and patterns mean, each once, in order.

    The rules are those of `expand_videos`.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without an image.
    """
    return _expand(paths, kind="image", suffixes=IMAGE_SUFFIXES)


def expand_tables(path: Path | str) -> FoundFiles:
    """Returns the tables that one file, folder or pattern means; the rules are those above.

    Raises:
        SourceOpenError: nothing there, or a folder or pattern without a table.
    """
    return _expand([path], kind="table", suffixes=TABLE_SUFFIXES)


def tree_of(name: Path | str) -> Path | None:
    """Returns the folder below which the files a name stands for have their places.

    That is a folder itself, and for a pattern the folder before its first wildcard; None for the
    name of a file, which has no place in a tree.
    """
    path = Path(name)
    if path.is_dir():
        return path
    folder, pattern = _split(path)
    return folder if _has_wildcard(pattern) else None


def is_pattern(name: str) -> bool:
    """Returns True for a name with wildcards that is not the name of something itself."""
    return _has_wildcard(_split(Path(name))[1])


def _has_wildcard(parts: Sequence[str]) -> bool:
    return any(map(glob.has_magic, parts))


def _split(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Returns the folder before the first wildcard, and the parts of the path that follow.

    A part with a wildcard in it that exists stands for itself; all parts of a path that exists do.
    """
    if not glob.has_magic(str(path)) or path.exists():
        return path, ()
    parts = path.parts
    for count, part in enumerate(parts):
        if glob.has_magic(part) and not Path(*parts[: count + 1]).exists():
            return Path(*parts[:count]), parts[count:]
    return path, ()


class _Search:
    """One search through folders, which collects what it leaves out."""

    def __init__(self, suffixes: frozenset[str]) -> None:
        self._suffixes = suffixes
        self._closed: list[str] = []
        self._broken: list[str] = []
        self._other: collections.Counter[str] = collections.Counter()
        self._hidden = 0

    @property
    def left_out(self) -> LeftOut:
        """What was left out so far."""
        return LeftOut(
            tuple(self._closed),
            tuple(self._broken),
            dict(sorted(self._other.items())),
            self._hidden,
        )

    def files(self, folder: Path, pattern: tuple[str, ...]) -> list[Path]:
        """Returns the fitting files below a folder that match a pattern, sorted."""
        taken = []
        for parts, entry in self._walk(folder, pattern):
            if not _matches(parts, pattern):
                continue
            kind = Path(entry.name).suffix.lower()
            if kind not in self._suffixes:
                self._other.update([] if _is_hidden(parts) else [kind or "without suffix"])
            elif not _is_file(entry):
                self._broken.append(entry.path)
            elif _is_hidden(parts) and pattern[-1] == ANY_DEPTH:
                self._hidden += 1
            else:
                taken.append(folder.joinpath(*parts))
        return sorted(taken, key=_natural)

    def _walk(
        self, top: Path, pattern: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
        """Yields what is no folder below one, with its relative path; enters each folder once.

        Linked folders come last: what they hold is found under its own name first.
        """
        seen: set[tuple[int, int]] = set()
        folders: list[tuple[str, ...]] = [()]
        links: list[tuple[str, ...]] = []
        while folders or links:
            parts = folders.pop() if folders else links.pop(0)
            place = os.path.join(top, *parts)  # noqa: PTH118 - ten times as fast
            try:
                status = os.stat(place)  # noqa: PTH116 - a text, as above
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(place) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self._closed.append(f"{place}: {error.strerror}")
                continue
            for entry in entries:
                inside = (*parts, entry.name)
                if not _is_folder(entry):
                    yield inside, entry
                elif _matches(inside, pattern, may_go_on=True):
                    (links if entry.is_symlink() else folders).append(inside)


def _matches(parts: Sequence[str], pattern: Sequence[str], *, may_go_on: bool = False) -> bool:
    """Returns True if the parts of a path match those of a pattern, or its beginning.

    `**` stands for any folders, and at the end for all that is in them. As in a shell, no other
    wildcard stands for a hidden name.
    """
    if not parts:
        return bool(pattern) if may_go_on else set(pattern) <= {ANY_DEPTH}
    if not pattern:
        return False
    if pattern[0] == ANY_DEPTH:
        is_whole = len(pattern) == 1
        return _matches(parts, pattern[1:], may_go_on=may_go_on) or (
            (is_whole or not parts[0].startswith("."))
            and _matches(parts[1:], pattern, may_go_on=may_go_on)
        )
    is_open = pattern[0].startswith(".") or not parts[0].startswith(".")
    return (
        is_open
        and fnmatch.fnmatch(parts[0], pattern[0])
        and _matches(parts[1:], pattern[1:], may_go_on=may_go_on)
    )


def _expand(paths: Sequence[Path | str], *, kind: str, suffixes: frozenset[str]) -> FoundFiles:
    found: dict[str, Path] = {}
    search = _Search(suffixes)
    for path in map(Path, paths):
        for file in _files(path, search, kind=kind, suffixes=suffixes):
            found.setdefault(os.path.realpath(file), file)
    return FoundFiles(list(found.values()), search.left_out)


def _files(path: Path, search: _Search, *, kind: str, suffixes: frozenset[str]) -> list[Path]:
    if path.is_dir():
        files = search.files(path, (ANY_DEPTH,))
        place = f"{path}: the folder (and those below it) has no {kind}"
    elif path.exists():
        return [path]
    else:
        folder, pattern = _split(path)
        if not _has_wildcard(pattern):
            is_link = os.path.lexists(path)
            there = (
                "it is a link that leads nowhere" if is_link else "there is no such file or folder"
            )
            raise SourceOpenError(f"{path}: {there}; check the path")
        files = search.files(folder, pattern)
        place = f"{path}: the pattern matches no {kind}"
    if not files:
        left_out = str(search.left_out)
        beside = f" ({left_out})" if left_out else ""
        raise SourceOpenError(f"{place}{beside}; looked for {' '.join(sorted(suffixes))}")
    return files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere, or through a closed folder
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith(".") for part in parts)


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Returns a key that sorts numbers by value: clip2 before clip10."""
    pieces = re.split(r"(\d+)", str(path))
    return [(1, int(p), "") if p.isdecimal() else (0, 0, p) for p in pieces]
