"""Reads DISFA+ as it is distributed: folders of frames per trial, one label text per AU.

    Images/SN001/A1_AU1_TrailNo_1/000.jpg
    Labels/SN001/A1_AU1_TrailNo_1/AU1.txt    header lines, then `000.jpg     0` per frame

A frame is used only if all twelve AUs are coded for it. Opens no picture. Called by the command
line.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rtau.errors import SourceOpenError
from rtau.facs import DISFA_PLUS_AUS
from rtau_train.datasets.prepare import values
from rtau_train.datasets.prepare.listing import (
    Listing,
    Rejection,
    SourceImage,
    child,
    is_picture,
    pictures_in,
)

LAYOUT: Final = (
    "expected Images/SN001/A1_AU1_TrailNo_1/000.jpg and Labels/SN001/A1_AU1_TrailNo_1/AU1.txt"
)
# First paper, section II.C.1: "... and 350 x 350 for DISFA+".
SIZE_PX: Final = 350
AUS: Final = tuple(au.label for au in DISFA_PLUS_AUS)
# A frame's name, with or without a suffix: rows begin with one, header lines do not.
_FRAME: Final = re.compile(r"(\S+)\.(?:jpe?g|png|bmp)|(\d+)", flags=re.IGNORECASE)
_REMARKS: Final = ("#", "~")


@dataclasses.dataclass(frozen=True)
class LabelFile:
    """One AU of one trial."""

    name: str
    intensities: dict[str, float]
    """Frame -> intensity 0-5."""
    wrong: dict[str, str]
    """Frame -> why its label cannot be used."""
    stray: tuple[str, ...]
    """Lines that belong to no frame."""


def read(source: Path, /) -> Listing:
    """Returns the frames of DISFA+ with twelve intensities each, and what cannot be used.

    Raises:
        SourceOpenError: the folders are not as distributed, or no frame can be used.
    """
    roots = [child(source, name) if source.is_dir() else None for name in ("Images", "Labels")]
    images_root, labels_root = roots
    if images_root is None or labels_root is None:
        raise SourceOpenError(
            f"{source}: not DISFA+ as distributed, there is no folder "
            f"{'Images' if images_root is None else 'Labels'}; {LAYOUT}"
        )
    images: list[SourceImage] = []
    rejections: list[Rejection] = []
    for trial in _trials(images_root, labels_root):
        for item in _frames(images_root / trial, labels_root / trial, source=source):
            if isinstance(item, SourceImage):
                images.append(item)
            else:
                rejections.append(item)
    if not images:
        first = f"; the first: {rejections[0].name}: {rejections[0].reason}" if rejections else ""
        raise SourceOpenError(f"{source}: no labelled frame was found{first}; {LAYOUT}")
    return Listing(
        dataset="disfa+",
        task="multi_label",
        labels=AUS,
        images=tuple(images),
        rejections=tuple(rejections),
        size_px=SIZE_PX,
    )


def _trials(images_root: Path, labels_root: Path) -> list[Path]:
    """Returns every folder of frames or labels, relative to the roots, sorted."""
    found = {path.parent.relative_to(labels_root) for path in labels_root.rglob("*.txt")}
    for folder, _, files in os.walk(images_root):
        if any(is_picture(Path(file)) for file in files):
            found.add(Path(folder).relative_to(images_root))
    return sorted(found)


def _frames(images: Path, labels: Path, *, source: Path) -> Iterator[SourceImage | Rejection]:
    """Yields the frames of one trial, and everything in it that is wrong."""
    coded = _label_files(labels, source)
    for label_file in coded.values():
        for line in label_file.stray:
            yield Rejection(label_file.name, line)
    frames = _frame_files(images)
    place = images.relative_to(source)
    rows = {stem for file in coded.values() for stem in (*file.intensities, *file.wrong)}
    for stem in sorted({*frames, *rows}):
        paths = frames.get(stem, [])
        if not paths:
            name = (place / f"{stem}.jpg").as_posix()
            yield Rejection(name, f"labelled in {labels.relative_to(source)}, but not there")
            continue
        name = paths[0].relative_to(source).as_posix()
        try:
            yield _frame(name, stem, paths, coded=coded, labels=labels.relative_to(source))
        except ValueError as error:
            yield Rejection(name, str(error))


def _frame(
    name: str, stem: str, paths: list[Path], *, coded: dict[str, LabelFile], labels: Path
) -> SourceImage:
    """Returns one frame; ValueError says why it cannot be used."""
    if len(labels.parts) < 2:
        raise ValueError("it lies in no folder of a person (SN001)")
    if len(paths) > 1:
        raise ValueError(f"there are {len(paths)} pictures of frame {stem}; keep one")
    missing = [label for label in AUS if label not in coded]
    if len(missing) == len(AUS):
        raise ValueError(f"there are no label files in {labels}")
    if missing:
        raise ValueError(f"label file missing in {labels}: {', '.join(missing)}")
    intensities = {}
    for label in AUS:
        file = coded[label]
        if stem in file.wrong:
            raise ValueError(f"{Path(file.name).name}: {file.wrong[stem]}")
        if stem not in file.intensities:
            raise ValueError(f"{Path(file.name).name}: no line for this frame")
        intensities[label] = file.intensities[stem]
    return SourceImage(name=name, path=paths[0], subject=labels.parts[1], labels=intensities)


def _frame_files(folder: Path) -> dict[str, list[Path]]:
    """Returns the pictures of a trial by frame: the name without its suffix."""
    frames: dict[str, list[Path]] = defaultdict(list)
    if folder.is_dir():
        for path in pictures_in(folder):
            frames[path.stem].append(path)
    return frames


def _label_files(folder: Path, source: Path) -> dict[str, LabelFile]:
    """Returns the label files of a trial by AU."""
    found = {}
    for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        label = values.au_label(path.stem)
        if label in AUS:
            found[label] = read_label_file(path, name=path.relative_to(source).as_posix())
    return found


def read_label_file(path: Path, /, *, name: str) -> LabelFile:
    """Returns the intensities of one AU in one trial.

    Lines before the first frame are the header; afterwards empty lines and remarks (# and ~) are
    skipped.

    Raises:
        SourceOpenError: the file cannot be read.
    """
    intensities: dict[str, float] = {}
    wrong: dict[str, str] = {}
    stray: list[str] = []
    for number, line in _lines(path):
        frame, *rest = line.split()
        found = _FRAME.fullmatch(frame)
        if found is None:
            if intensities or wrong:
                stray.append(f"line {number}: expected a frame and its intensity, got {line!r}")
            continue
        stem = found.group(1) or found.group(2)
        if stem in intensities or stem in wrong:
            intensities.pop(stem, None)
            wrong[stem] = f"line {number}: the frame is listed twice"
            continue
        try:
            intensities[stem] = values.intensity(" ".join(rest))
        except ValueError as error:
            wrong[stem] = f"line {number}: {error}"
    return LabelFile(name, intensities, wrong, tuple(stray))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (number, text) of the lines that are neither empty nor remarks."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be read ({error.strerror})") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith(_REMARKS):
            yield number, line.strip()
