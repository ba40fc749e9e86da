"""Shares the parts of an order among processes, each with an OpenGL context of its own.

One process is the command's own; more are started fresh, since an open context does not survive a
fork. Called by `commands/synth.py`.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import cv2

from rtau_train.synth.assets import read_assets
from rtau_train.synth.render import Renderer
from rtau_train.synth.writer import RenderJob, write_part

Progress = Callable[[int], None]


def write_all(job: RenderJob, /, *, jobs: int, progress: Progress) -> None:
    """Writes every missing part; calls `progress` with how many pictures were added.

    Raises:
        BackendUnavailable: there is no EGL or no moderngl.
        SourceOpenError: an asset file is missing.
        SinkError: the folder cannot be written.
    """
    missing = job.missing()
    if not missing:
        return
    if jobs == 1:
        renderer = open_renderer(job.assets, size=job.size)
        for part in missing:
            for _ in write_part(renderer, job, part):
                progress(1)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=min(jobs, len(missing)), mp_context=context
    ) as pool:
        running = {pool.submit(_write, job, part) for part in missing}
        try:
            for done in concurrent.futures.as_completed(running):
                progress(done.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def open_renderer(assets: Path, *, size: int) -> Renderer:
    """Returns a studio for pictures of a size; it keeps one core busy and no more."""
    cv2.setNumThreads(1)
    return Renderer(read_assets(assets), size=size)


# A worker process keeps its studio from part to part.
_RENDERERS: dict[RenderJob, Renderer] = {}


def _write(job: RenderJob, part: range) -> int:
    if job not in _RENDERERS:
        _RENDERERS[job] = open_renderer(job.assets, size=job.size)
    return sum(1 for _ in write_part(_RENDERERS[job], job, part))
