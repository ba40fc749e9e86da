"""Cuts the crops of many images, shared among processes with a detector each.

Crops are written whole or not at all; results come back in the order of the images, whatever the
number of processes. Called by `run.py`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import cv2

from rtau_train.datasets.prepare.cuts import Cut, stamp
from rtau_train.datasets.prepare.cutting import Cutter, NoCropError, Plan, encoded
from rtau_train.datasets.prepare.files import write_whole, writing
from rtau_train.datasets.prepare.listing import SourceImage
from rtau_train.datasets.worker_pool import map_in_processes

# Images per task: large enough to hide the handing over, small enough to lose when a run dies.
BATCH_IMAGES: Final = 16

Job = tuple[SourceImage, str]


def cut_all(
    jobs: Iterable[Job], plan: Plan, out: Path, /, *, processes: int
) -> Iterator[list[Cut]]:
    """Yields what became of the images, a batch at a time, in their order.

    Args:
        jobs: images, each with the place of its crop under crops/.
        plan: how crops are cut.
        out: the folder to write.
        processes: how many work at once; 1 works in this one.

    Raises:
        SinkError: the disk is full or the folder may not be written.
        DetectorError: this OpenCV cannot detect faces.
        RtauError: a process died.
    """
    return map_in_processes(
        functools.partial(_cut_batch, out=out),
        _batched(jobs),
        open_state=functools.partial(_open_cutter, plan),
        processes=processes,
        out=out,
        doing="cuts crops",
    )


def _batched(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    remaining = iter(jobs)
    while batch := list(itertools.islice(remaining, BATCH_IMAGES)):
        yield batch


def _cut_batch(cutter: Cutter, batch: list[Job], *, out: Path) -> list[Cut]:
    with writing(out):
        return [_cut_one(cutter, image, out / "crops", crop=crop) for image, crop in batch]


def _cut_one(cutter: Cutter, image: SourceImage, crops: Path, *, crop: str) -> Cut:
    before = stamp(image)
    try:
        found = cutter.cut(image)
    except NoCropError as error:
        return Cut(image.name, before, "", str(error), (), 0)
    write_whole(crops / crop, encoded(found.image_rgb, PurePosixPath(crop).suffix))
    numbers = tuple(found.image_from_crop.reshape(-1).tolist())
    return Cut(image.name, before, crop, "", numbers, found.faces)


def _open_cutter(plan: Plan) -> Cutter:
    """Returns a cutter that keeps one core busy and no more."""
    cv2.setNumThreads(1)
    return Cutter(plan)
