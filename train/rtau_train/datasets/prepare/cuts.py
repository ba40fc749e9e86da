"""The log of what was cut from which image: what a second run and a resumed one go by.

    cuts.jsonl    line 1: how crops are cut; then a line per image: its size and time stamp, its
                  crop and the map onto the image, or why there is none

Lines are added as crops are finished, so a run that dies loses at most a batch; at the end they
are put in the data set's order. Labels are not in it: they may change without anything being cut
again. Called by `run.py`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import rtau
from rtau.errors import UsageError
from rtau.strict_parser import StrictParser
from rtau_train.datasets.prepare.cutting import Plan
from rtau_train.datasets.prepare.files import holds, write_whole, writing
from rtau_train.datasets.prepare.listing import SourceImage

FILE_NAME: Final = "cuts.jsonl"
# Raised when a field changes its meaning.
FORMAT: Final = 2


@dataclasses.dataclass(frozen=True)
class Cut:
    """What became of one image."""

    image: str
    """Its name in the data set."""
    stamp: str
    """Size and time of change of its file; another stamp, and it is cut again."""
    crop: str
    """Its crop, under crops/; empty when there is none."""
    reason: str
    """Why there is no crop; empty when there is one."""
    image_from_crop: tuple[float, ...]
    """Carries a point of the crop onto the image, px: the six numbers of a (2, 3) map, row by row;
    empty when there is no crop."""
    faces: int
    """Faces found in the image."""


def stamp(image: SourceImage, /) -> str:
    """Returns size and time of change of an image's file; empty when it is not there."""
    try:
        status = image.path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


class CutLog:
    """The log of one folder, in memory and on disk."""

    def __init__(self, out: Path, plan: Plan, /) -> None:
        """Begins a folder, or reads what was done in it.

        Raises:
            UsageError: the folder holds something else, or crops that were cut in another way.
            SinkError: it cannot be written.
        """
        self._out = out
        self._path = out / FILE_NAME
        self._header = json.dumps(_header(plan))
        self.done: dict[str, Cut] = {}
        with writing(out):
            if not self._path.is_file():
                _check_empty(out)
            else:
                self.done = self._read()
            # Half a line, of a run that died while it wrote, must not stay before new ones.
            self._rewrite(self.done.values())

    def add(self, cuts: Iterable[Cut], /) -> None:
        """Notes finished images at once.

        Raises:
            SinkError: the disk is full.
        """
        lines = "".join(_line(cut) for cut in cuts)
        with writing(self._out), self._path.open("a", encoding="utf-8") as file:
            file.write(lines)

    def finish(self, cuts: Iterable[Cut], /) -> None:
        """Puts the log in order; images that are no longer in the data set leave it.

        Raises:
            SinkError: the disk is full.
        """
        with writing(self._out):
            self._rewrite(cuts)

    def is_done(self, image: SourceImage, crop: str, /) -> bool:
        """True when the image was cut, has not changed since, and its crop is there."""
        cut = self.done.get(image.name)
        if cut is None or cut.stamp != stamp(image):
            return False
        return bool(cut.reason) or (cut.crop == crop and (self._out / "crops" / cut.crop).is_file())

    def _rewrite(self, cuts: Iterable[Cut]) -> None:
        data = (self._header + "\n" + "".join(_line(cut) for cut in cuts)).encode()
        if not holds(self._path, data):
            write_whole(self._path, data)

    def _read(self) -> dict[str, Cut]:
        try:
            *lines, last = self._path.read_text(encoding="utf-8").split("\n")
            del last  # empty, or half a line
            header, *rows = (json.loads(line) for line in lines)
            if not isinstance(header, dict):
                raise UsageError("the first line must hold how crops are cut")
            cuts = [StrictParser().parse(Cut, row) for row in rows]
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{self._path}: cannot be read ({error}); choose a new OUT folder"
            ) from None
        _check_same(self._out, header, json.loads(self._header))
        return {cut.image: cut for cut in cuts}


def _header(plan: Plan) -> dict[str, Any]:
    return {"format": FORMAT, "rtau_version": rtau.__version__, **dataclasses.asdict(plan)}


def _line(cut: Cut) -> str:
    return json.dumps(dataclasses.asdict(cut)) + "\n"


def _check_empty(out: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UsageError(f"{out}: holds something else; choose a new OUT folder")


def _check_same(out: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if found.get(name) != value:
            raise UsageError(
                f"{out}: was begun with {name} {found.get(name)}, now asked for {value}; choose a "
                "new OUT folder or ask for the same"
            )
