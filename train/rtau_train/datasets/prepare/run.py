"""Prepares one data set: cuts what is not cut yet, then writes the tables.

Knows no layout and prints nothing. Called by the command line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from rtau.errors import SourceOpenError, UsageError
from rtau_train.datasets.prepare.cuts import Cut, CutLog
from rtau_train.datasets.prepare.cutting import Plan
from rtau_train.datasets.prepare.landmarks import Landmarks
from rtau_train.datasets.prepare.listing import Listing, crop_files
from rtau_train.datasets.prepare.parallel_cutting import cut_all
from rtau_train.datasets.prepare.video_cutting import cut_videos
from rtau_train.datasets.prepare.writer import (
    REJECTED,
    Outcome,
    sort_out,
    write_rejected,
    write_tables,
)

Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class PrepareJob:
    """What was asked for."""

    source: Path
    out: Path
    plan: Plan
    jobs: int
    seats: tuple[str, ...] = ()
    """Regions with a name, for moments of videos whose faces are called by their seat."""

    def __post_init__(self) -> None:
        source, out = self.source.resolve(), self.out.resolve()
        if source.is_dir() and (source == out or source in out.parents):
            raise UsageError(
                f"{self.out}: OUT must not lie in the data set's own folder {self.source}; choose "
                "another"
            )


def prepare(
    job: PrepareJob, listing: Listing, landmarks: Landmarks | None, /, *, progress: Progress
) -> Outcome:
    """Returns what the data set became; calls `progress` with images done and to be done.

    Moments of videos are cut video by video in this process, images by `job.jobs` of them.

    Raises:
        UsageError: OUT holds something else, or crops that were cut in another way.
        SourceOpenError: no image could be used.
        SinkError: the disk is full or OUT may not be written.
    """
    log = CutLog(job.out, job.plan)
    places = dict(zip((image.name for image in listing.images), crop_files(listing), strict=True))
    cuts: dict[str, Cut] = {}
    missing = []
    for image in listing.images:
        if log.is_done(image, places[image.name]):
            cuts[image.name] = log.done[image.name]
        else:
            missing.append((image, places[image.name]))
    progress(len(cuts), len(listing.images))
    if listing.dataset == "annotations":
        batches = cut_videos(missing, job.plan, job.out, seats=job.seats)
    else:
        batches = cut_all(missing, job.plan, job.out, processes=job.jobs)
    for batch in batches:
        log.add(batch)
        cuts.update((cut.image, cut) for cut in batch)
        progress(len(cuts), len(listing.images))
    log.finish(cuts[image.name] for image in listing.images)
    outcome = sort_out(listing, cuts, landmarks, size_px=job.plan.size_px)
    if outcome.kept:
        write_tables(job.out, listing, outcome, plan=job.plan, source=job.source)
    else:
        write_rejected(job.out, outcome)
        first = outcome.rejections[0]
        raise SourceOpenError(
            f"{job.source}: none of {len(outcome.rejections)} images can be used; the first: "
            f"{first.name}: {first.reason}; the others: {job.out / REJECTED}"
        )
    return outcome
