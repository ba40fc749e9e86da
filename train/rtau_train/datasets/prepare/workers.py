"""Cuts the crops of many images, shared among processes with a detector each.

Crops are written whole or not at all; results come back in the order of the images, whatever the
number of processes. Called by `run.py`.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path, PurePosixPath
from typing import Final

import cv2

from rtau.errors import RtauError
from rtau_train.datasets.prepare.cuts import Cut, stamp
from rtau_train.datasets.prepare.cutting import Cutter, NoCropError, Plan, encoded
from rtau_train.datasets.prepare.files import write_whole, writing
from rtau_train.datasets.prepare.listing import SourceImage

# Images per task: large enough to hide the handing over, small enough to lose when a run dies.
BATCH_IMAGES: Final = 16
# Tasks per process that wait or run; pixels of a table travel with them.
AHEAD: Final = 3

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
    batches = _batched(jobs)
    if processes == 1:
        cutter = _open_cutter(plan)
        yield from (_cut_batch(cutter, batch, out) for batch in batches)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin_process
    ) as pool:
        waiting: deque[concurrent.futures.Future[list[Cut]]] = deque()
        try:
            for batch in batches:
                waiting.append(pool.submit(_work, plan, batch, out))
                if len(waiting) > AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RtauError(
                f"{out}: a process that cuts crops died, perhaps for want of memory; run the same "
                "command again, it goes on from here (--jobs 1 needs the least memory)"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _batched(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    remaining = iter(jobs)
    while batch := list(itertools.islice(remaining, BATCH_IMAGES)):
        yield batch


def _cut_batch(cutter: Cutter, batch: list[Job], out: Path) -> list[Cut]:
    with writing(out):
        return [_cut_one(cutter, image, out / "crops", crop=crop) for image, crop in batch]


def _cut_one(cutter: Cutter, image: SourceImage, crops: Path, *, crop: str) -> Cut:
    before = stamp(image)
    try:
        found = cutter.cut(image)
    except NoCropError as error:
        return Cut(image.name, before, "", str(error), (), 0)
    write_whole(crops / crop, encoded(found.image_rgb, PurePosixPath(crop).suffix))
    return Cut(image.name, before, crop, "", tuple(found.square_xyxy.tolist()), found.faces)


def _open_cutter(plan: Plan) -> Cutter:
    """Returns a cutter that keeps one core busy and no more."""
    cv2.setNumThreads(1)
    return Cutter(plan)


# A worker process keeps its detector from batch to batch.
_CUTTERS: dict[Plan, Cutter] = {}


def _begin_process() -> None:
    """Leaves Ctrl-C to the command's own process, and ends with it, even when that is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None, "this runs in a child"

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _work(plan: Plan, batch: list[Job], out: Path) -> list[Cut]:
    if plan not in _CUTTERS:
        _CUTTERS[plan] = _open_cutter(plan)
    return _cut_batch(_CUTTERS[plan], batch, out)
