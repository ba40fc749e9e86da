"""Renders the parts of a job in processes, each with an OpenGL context of its own.

One process is the command's own. Called by `commands/synth.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2

from rtau_train.datasets.worker_pool import map_in_processes
from rtau_train.synth.assets import read_assets
from rtau_train.synth.avatar_heads import AvatarHeads
from rtau_train.synth.head_family import HeadFamily
from rtau_train.synth.render import Renderer
from rtau_train.synth.sculpted_heads import SculptedHeads
from rtau_train.synth.writer import RenderJob, write_part

Progress = Callable[[int], None]


def write_all(job: RenderJob, /, *, jobs: int, progress: Progress) -> None:
    """Writes every missing part; calls `progress` with how many pictures were added.

    Raises:
        BackendUnavailable: there is no EGL or no moderngl.
        SourceOpenError: an asset file is missing.
        SinkError: the folder cannot be written.
        RtauError: a process died.
    """
    missing = job.missing()
    if not missing:
        return
    if jobs == 1:
        # Not by the pool: here every picture is told, not every part.
        family = open_family(job)
        for part in missing:
            for _ in write_part(family, job, part):
                progress(1)
        return
    for pictures in map_in_processes(
        functools.partial(_write, job),
        missing,
        open_state=functools.partial(open_family, job),
        processes=min(jobs, len(missing)),
        out=job.out,
        doing="renders pictures",
    ):
        progress(pictures)


def open_family(job: RenderJob) -> HeadFamily:
    """Returns the heads of a job, opened."""
    if not job.avatars:
        return SculptedHeads(open_renderer(job.assets, size=job.size))
    cv2.setNumThreads(1)
    return AvatarHeads(job.assets, job.avatars, size=job.size)


def open_renderer(assets: Path, *, size: int) -> Renderer:
    """Returns a renderer for pictures of a size; it keeps one core busy and no more."""
    cv2.setNumThreads(1)
    return Renderer(read_assets(assets), size=size)


def _write(job: RenderJob, family: HeadFamily, part: range) -> int:
    return sum(1 for _ in write_part(family, job, part))
