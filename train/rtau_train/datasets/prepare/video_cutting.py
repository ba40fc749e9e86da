"""Cuts the crops of coded moments from videos: faces are followed as `rtau video` follows them.

Each video is decoded and tracked once, up to its last moment, so that face numbers are those of its
table. Called by the command line in place of `parallel_cutting`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from rtau.config import RunConfig
from rtau.data import Faces, Frame
from rtau.errors import SourceError
from rtau.faces import crops
from rtau.runs.build import build_tracker
from rtau.sources import open_source
from rtau_train.datasets.prepare.cuts import Cut, stamp
from rtau_train.datasets.prepare.cutting import (
    Crop,
    NoCropError,
    Plan,
    encoded,
    most_prominent,
)
from rtau_train.datasets.prepare.files import write_whole, writing
from rtau_train.datasets.prepare.listing import Moment, SourceImage

Job = tuple[SourceImage, str]


def cut_videos(
    jobs: Iterable[Job], plan: Plan, out: Path, /, *, seats: tuple[str, ...] = ()
) -> Iterator[list[Cut]]:
    """Yields what became of the moments of each video, one video after the other.

    Args:
        jobs: coded moments, each with the place of its crop under crops/.
        plan: how crops are cut.
        out: the folder to write.
        seats: regions with a name, as `--seat` takes them, where faces are called by their seat.

    Raises:
        SinkError: the disk is full or the folder may not be written.
        DetectorError: this OpenCV cannot detect faces.
        RtauError: a video cannot be read.
    """
    for video, own in itertools.groupby(jobs, key=lambda job: job[0].path):
        with writing(out):
            yield list(_cut_video(video, list(own), plan, out=out / "crops", seats=seats))


def _cut_video(
    video: Path, jobs: list[Job], plan: Plan, *, out: Path, seats: tuple[str, ...]
) -> Iterator[Cut]:
    before = stamp(jobs[0][0])
    waiting = sorted(jobs, key=lambda job: _moment(job).time_s)
    for frame, faces, due in _due(video, waiting, plan, seats=seats):
        for job in due:
            image, place = job
            try:
                found = _cut(frame, faces, _moment(job), plan=plan)
            except NoCropError as error:
                yield Cut(image.name, before, "", str(error), (), len(faces))
                continue
            write_whole(out / place, encoded(found.image_rgb, PurePosixPath(place).suffix))
            numbers = tuple(found.image_from_crop.reshape(-1).tolist())
            yield Cut(image.name, before, place, "", numbers, found.faces)
    for image, _ in waiting:
        yield Cut(image.name, before, "", "the video ends before", (), 0)


def _due(
    video: Path, waiting: list[Job], plan: Plan, *, seats: tuple[str, ...]
) -> Iterator[tuple[Frame, Faces, list[Job]]]:
    """Yields the frames that show moments, with their faces; takes the moments from `waiting`."""
    find = dataclasses.replace(RunConfig().find, min_confidence=plan.least_score, seat=seats)
    tracker = build_tracker(dataclasses.replace(RunConfig(), find=find), is_sequence=True)
    shown: tuple[Frame, Faces] | None = None
    duration_s = 0.0
    try:
        with contextlib.closing(open_source(str(video))) as source:
            for frame in source:
                if shown is not None:
                    duration_s = frame.time_s - shown[0].time_s
                    if due := _taken(waiting, frame.time_s):
                        yield *shown, due
                if not waiting:
                    return
                shown = frame, tracker.track(frame).faces
    except SourceError as error:
        raise SourceError(f"{video}: {error}") from error
    # The last frame stands as long as the one before.
    if shown is not None and (due := _taken(waiting, shown[0].time_s + duration_s)):
        yield *shown, due


def _taken(waiting: list[Job], end_s: float) -> list[Job]:
    """Returns the moments before a time, and takes them from those that wait."""
    due = list(itertools.takewhile(lambda job: _moment(job).time_s < end_s, waiting))
    del waiting[: len(due)]
    return due


def _moment(job: Job) -> Moment:
    moment = job[0].moment
    assert moment is not None, "a coded moment has a time"
    return moment


def _cut(frame: Frame, faces: Faces, moment: Moment, *, plan: Plan) -> Crop:
    if not len(faces):
        raise NoCropError("no face found")
    row = most_prominent(faces, frame) if not moment.face else _row_of(faces, moment.face)
    assert plan.crop is not None, "a video is no crop"
    cut = crops.cut(frame, faces.select(np.array([row])), rule=plan.crop, size=plan.size_px)
    if not len(cut.images_rgb):
        raise NoCropError("the face is too small or lies outside the image")
    return Crop(cut.images_rgb[0], cut.frame_from_crop[0], len(faces))


def _row_of(faces: Faces, face: str) -> int:
    """Returns the row of a face by its number, or by its seat."""
    numbers = [] if faces.track_ids is None else [str(one) for one in faces.track_ids.tolist()]
    seats = [faces.seat_of(row) or "" for row in range(len(faces))]
    for known in (numbers, seats):
        if face in known:
            return known.index(face)
    raise NoCropError(f"face {face} is not seen then; faces are {', '.join(numbers)}")
