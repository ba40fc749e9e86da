"""Writes the tables of a prepared folder, labels.csv last: its presence says that all is there.

The same data and settings give the same bytes; files that hold them already are not touched. Cuts
nothing. Called by `run.py`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

import rtau
from rtau_train.datasets.preparation import FILE_NAME as PREPARED
from rtau_train.datasets.preparation import Preparation
from rtau_train.datasets.prepare.cuts import Cut
from rtau_train.datasets.prepare.cutting import Plan
from rtau_train.datasets.prepare.files import holds, write_whole, writing
from rtau_train.datasets.prepare.landmarks import Landmarks, Points, in_crop
from rtau_train.datasets.prepare.listing import Listing, Rejection, SourceImage

LABELS: Final = "labels.csv"
LANDMARKS: Final = "landmarks68.npz"
REJECTED: Final = "rejected.csv"


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
    """One image that is in labels.csv."""

    image: SourceImage
    cut: Cut
    landmarks: Points | None = None
    """float32 (68, 2), px in the crop."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a data set became."""

    kept: tuple[Kept, ...]
    rejections: tuple[Rejection, ...]


def sort_out(
    listing: Listing, cuts: Mapping[str, Cut], landmarks: Landmarks | None, /, *, size_px: int
) -> Outcome:
    """Returns which images are kept and which are not, in the data set's order."""
    kept: list[Kept] = []
    rejections = list(listing.rejections)
    for image in listing.images:
        cut = cuts[image.name]
        try:
            kept.append(_kept(image, cut, landmarks, size_px=size_px))
        except ValueError as error:
            rejections.append(Rejection(image.name, str(error)))
    return Outcome(tuple(kept), tuple(rejections))


def _kept(image: SourceImage, cut: Cut, landmarks: Landmarks | None, *, size_px: int) -> Kept:
    if cut.reason:
        raise ValueError(cut.reason)
    if landmarks is None:
        return Kept(image, cut)
    image_from_crop = np.array(cut.image_from_crop, np.float32).reshape(2, 3)
    return Kept(image, cut, in_crop(landmarks.of(image.name), image_from_crop, size_px=size_px))


def write_tables(
    out: Path, listing: Listing, outcome: Outcome, /, *, plan: Plan, source: Path
) -> None:
    """Writes rejected.csv, prepared.json, landmarks68.npz and, last, labels.csv.

    Raises:
        SinkError: the disk is full or the folder may not be written.
    """
    preparation = Preparation(
        dataset=listing.dataset,
        task=listing.task,
        labels=listing.labels,
        size_px=plan.size_px,
        crop=plan.crop,
        aligned=plan.crop is not None,
        images=len(outcome.kept),
        rejected=len(outcome.rejections),
        rtau_version=rtau.__version__,
        source=source.resolve().name,
    )
    files = {
        REJECTED: _rejected(outcome),
        PREPARED: preparation.to_json().encode(),
        LANDMARKS: _landmarks(outcome.kept),
        LABELS: _labels(listing, outcome.kept),
    }
    with writing(out):
        if all(_is_written(out / name, data) for name, data in files.items()):
            return
        # The tables belong together: with the old labels gone, no reader takes half of them.
        (out / LABELS).unlink(missing_ok=True)
        for name, data in files.items():
            if data is None:
                (out / name).unlink(missing_ok=True)
            elif not holds(out / name, data):
                write_whole(out / name, data)


def write_rejected(out: Path, outcome: Outcome, /) -> None:
    """Writes rejected.csv alone, for a data set of which nothing was kept; old labels go.

    Raises:
        SinkError: the disk is full or the folder may not be written.
    """
    with writing(out):
        (out / LABELS).unlink(missing_ok=True)
        write_whole(out / REJECTED, _rejected(outcome))


def _rejected(outcome: Outcome) -> bytes:
    rows = ((rejection.name, rejection.reason) for rejection in outcome.rejections)
    return _csv(("file", "reason"), rows)


def _is_written(path: Path, data: bytes | None) -> bool:
    return not path.exists() if data is None else holds(path, data)


def _labels(listing: Listing, kept: Sequence[Kept]) -> bytes:
    """Returns labels.csv; columns that hold nothing are left out."""
    images = [row.image for row in kept]
    is_multi_label = listing.task == "multi_label"
    has_subjects = any(image.subject for image in images)
    has_split = any(image.split for image in images)
    others = tuple(dict.fromkeys(name for image in images for name in image.columns))
    header = (
        "file",
        *(("subject",) if has_subjects else ()),
        *(listing.labels if is_multi_label else ("emotion",)),
        *(("split",) if has_split else ()),
        *others,
        "source",
    )

    def cells(row: Kept) -> dict[str, str]:
        image = row.image
        values = {label: f"{value:g}" for label, value in image.labels.items()}
        known = {"file": row.cut.crop, "source": image.name, "subject": image.subject}
        return {**image.columns, **values, "emotion": image.emotion, "split": image.split, **known}

    return _csv(header, ([cells(row).get(name, "") for name in header] for row in kept))


def _landmarks(kept: Sequence[Kept]) -> bytes | None:
    points = [row.landmarks for row in kept if row.landmarks is not None]
    if not points:
        return None
    packed = io.BytesIO()
    np.savez(packed, xy=np.stack(points))
    return packed.getvalue()


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return table.getvalue().encode()
