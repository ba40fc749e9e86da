"""What a data set holds before a picture is opened: its images, their labels, and what is wrong.

Every layout's reader returns a `Listing`; cutting, counting and writing know no layout. Decides
nothing about pixels.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from rtau.data import Image, Task
from rtau_train.datasets.labelled_crops import OCCURS_FROM

Dataset = Literal[
    "disfa+", "dem", "fer2013", "ckplus", "folder", "portraits", "london", "annotations"
]
SPLITS = ("train", "validation", "test")
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}


@dataclasses.dataclass(frozen=True)
class Moment:
    """One face at one time of a video."""

    time_s: float
    face: str
    """The number of its track or the name of its seat; empty: the most prominent one."""


@dataclasses.dataclass(frozen=True, eq=False)
class SourceImage:
    """One image of a data set, with all that is known of it."""

    name: str
    """Its path in the data set, with slashes: what labels.csv and rejected.csv call it."""
    path: Path
    """The file to read; for pixels that stand in a table, the table."""
    subject: str = ""
    """Who is shown; empty where the data set does not say."""
    labels: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """AU -> intensity 0-5; an AU that was not coded is absent."""
    emotion: str = ""
    """The class, for data labelled with emotions."""
    split: str = ""
    """train, validation or test, where the data set has a split of its own."""
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What else is known of the person or the image, as text."""
    pixels: Image | None = None
    """uint8 (H, W), grey, where the image stands in a table instead of a file."""
    moment: Moment | None = None
    """Which face and frame of `path`, where that is a video."""

    def shows_one_of(self, aus: Collection[str], /) -> bool:
        """Returns whether one of some AUs occurs: intensity 2 or more."""
        return any(value >= OCCURS_FROM for au, value in self.labels.items() if au in aus)


@dataclasses.dataclass(frozen=True)
class Rejection:
    """One file that cannot be used, and why."""

    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Listing:
    """A data set as it was found."""

    dataset: Dataset
    task: Task
    labels: tuple[str, ...]
    """AUs or emotions, in the order of the columns and counts."""
    images: tuple[SourceImage, ...]
    rejections: tuple[Rejection, ...]
    size_px: int
    """Side of the crops unless another is asked for."""
    are_crops: bool = False
    """True when the images are face crops already, so no face is looked for."""
    notes: tuple[str, ...] = ()
    """What the user should know, a line each."""

    def __post_init__(self) -> None:
        names = Counter(image.name for image in self.images)
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise ValueError(f"names must be distinct, got {twice[0]} {names[twice[0]]} times")


def without_neutral(listing: Listing, aus: Collection[str], /) -> Listing:
    """Returns the listing without images that show none of some AUs, and a note of how many.

    As in the first paper, section II.C.1: "we removed the images without labeled AUs".
    """
    kept = tuple(image for image in listing.images if image.shows_one_of(aus))
    left_out = len(listing.images) - len(kept)
    if not left_out:
        return listing
    note = (
        f"{left_out:,} images in which none of the {len(aus)} AUs has intensity 2 or more are left "
        "out, as in the paper; --keep-neutral keeps them"
    )
    return dataclasses.replace(listing, images=kept, notes=(*listing.notes, note))


def crop_files(listing: Listing, /) -> tuple[str, ...]:
    """Returns where each image's crop lies under crops/, all different.

    A crop has its image's path, so that it stays the same when images are added; PNG for images
    that were crops already (no second loss), else JPEG.
    """
    suffix = ".png" if listing.are_crops else ".jpg"
    stems = [_stem(image.name) for image in listing.images]
    times = Counter(stems)
    return tuple(
        (stem if times[stem] == 1 else f"{stem}-{_digest(image.name)}") + suffix
        for image, stem in zip(listing.images, stems, strict=True)
    )


def pictures_in(folder: Path, /) -> list[Path]:
    """Returns the picture files of a folder, sorted by name; hidden files are none."""
    return sorted(path for path in folder.iterdir() if is_picture(path))


def is_picture(path: Path, /) -> bool:
    """True for the name of a picture file that is not hidden."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def child(folder: Path, *names: str) -> Path | None:
    """Returns the subfolder with one of the names, whatever its case; None without one."""
    wanted = {name.lower() for name in names}
    found = [path for path in folder.iterdir() if path.is_dir() and path.name.lower() in wanted]
    return min(found, default=None)


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return f"outside/{_digest(name)}-{path.stem}"
    return path.with_suffix("").as_posix()


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:10]
