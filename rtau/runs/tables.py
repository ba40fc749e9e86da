"""Files to one table in memory: each is run as the command line runs it, one after the other.

Writes nothing and handles no signals; `rtau.Detector.table` calls it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from rtau.baseline import Neutrals
from rtau.config import RunConfig
from rtau.data import FrameResult
from rtau.errors import SourceOpenError, UsageError
from rtau.execution.runner import Runner
from rtau.runs.build import build_runner, check_tables, table_rows
from rtau.runs.neutrals import baseline_of
from rtau.runs.outputs import OpenOutputs, Outputs
from rtau.runs.session import LoadedModel, Session
from rtau.sinks.progress import ProgressSink
from rtau.sinks.table_sinks import TableSink
from rtau.sources import (
    FoundFiles,
    expand_images,
    expand_videos,
    is_address,
    kind_of,
    open_file,
    target_of,
)
from rtau.sources.images import ImageSource
from rtau.status import ViewControls
from rtau.table import Table

log = logging.getLogger(__name__)

# Called with a file, the frames done, and the frames it declares.
Progress = Callable[[str, int, int | None], object]
# Starts a run that is pulled through its results.
Start = Callable[[Runner], Generator[FrameResult, None, None]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Job:
    """One run: a video, or images one after the other."""

    files: tuple[Path, ...]
    are_images: bool

    def name_of(self, index: int) -> str:
        """Returns the file of a frame's index, as it was given."""
        return str(self.files[index if self.are_images else 0])


def table_of_files(
    paths: Iterable[str | os.PathLike[str]],
    *,
    model: LoadedModel,
    config: RunConfig,
    controls: ViewControls,
    start: Start,
    progress: bool | Progress = False,
    neutral: Neutrals | None = None,
) -> Table:
    """Returns the table of some files; several, and images, have a leading column `file`.

    Raises:
        RtauError: a file cannot be read, or the model has no landmarks that were asked for.
    """
    contract, landmarks = model.engine.contract, config.output.landmarks
    check_tables(config, contract)
    jobs = _jobs(map(target_of, paths))
    job = jobs[0]
    is_one_video = len(jobs) == 1 and not job.are_images

    def file_of(index: int) -> str:
        return job.name_of(index)  # of the run that is going on

    rows = table_rows(
        contract,
        file_of=None if is_one_video else file_of,
        seats=bool(config.find.seat),
        landmarks=landmarks,
        neutral=neutral is not None,
        sides=config.output.sides,
    )
    sink = TableSink(rows)
    for job in jobs:
        source = ImageSource(job.files) if job.are_images else open_file(job.files[0])
        with contextlib.closing(source):
            session = Session(
                config, source, model, Outputs(), OpenOutputs(Outputs()), controls, (), None
            )
            baseline = None if neutral is None else baseline_of(neutral, contract, config.decide)
            views = [ProgressSink(sys.stderr, status=session.status)] if progress is True else []
            session.runner = build_runner(
                source,
                model.engine,
                config=config,
                controls=controls,
                sinks=[sink, *views],
                is_sequence=not job.are_images,
                baseline=baseline,
            )
            for done, result in enumerate(start(session.runner), start=1):
                if callable(progress):
                    progress(job.name_of(result.index), done, source.info.frame_count)
    return sink.table(source=job.name_of(0) if is_one_video else None)


def _jobs(paths: Iterable[str]) -> list[_Job]:
    """Returns a run per video, and one for all images that are named in a row."""
    jobs: list[_Job] = []
    for path in paths:
        if is_address(path):
            raise UsageError(f"{path}: a table is of files; loop over camera() or stream() instead")
        found = _files_of(path)
        if found.are_images and jobs and jobs[-1].are_images:
            found = _Job((*jobs.pop().files, *found.files), are_images=True)
        jobs += [found] if found.are_images else [_Job((file,), False) for file in found.files]
    if not jobs:
        raise UsageError("a table needs at least one file, got none")
    return jobs


def _files_of(path: str) -> _Job:
    """Returns the videos that a file, a folder or a pattern means, or its images if it has none."""
    if kind_of(path) == "video":
        return _job(expand_videos([path]), are_images=False)
    if Path(path).is_dir() or not Path(path).exists():
        with contextlib.suppress(SourceOpenError):
            return _job(expand_videos([path]), are_images=False)
    return _job(expand_images([path]), are_images=True)


def _job(found: FoundFiles, *, are_images: bool) -> _Job:
    if line := str(found.left_out):
        log.warning(line)
    return _Job(tuple(found.files), are_images=are_images)
