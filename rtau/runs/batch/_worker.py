"""Runs one file of a batch, in the same way in every worker process and on every machine.

Each process loads the model once and limits the threads of every library to its share of the cores.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
import traceback
from collections.abc import Callable

from rtau import __version__
from rtau.backends import find_model
from rtau.config import RunConfig
from rtau.contract import sha256_of
from rtau.data import FrameResult, Picture
from rtau.errors import BackendUnavailable, RtauError
from rtau.protocols import Sink, SinkReport
from rtau.runs.batch._reports import FileReport, Status
from rtau.runs.batch.plan import FileJob
from rtau.runs.build import check_tables, view_controls
from rtau.runs.outcome import Outcome
from rtau.runs.session import LoadedModel, Session, load_model, run_source
from rtau.sources import open_file

# Minimum interval between two progress messages of one file.
HEARTBEAT_EVERY_S = 0.5
# OpenCV reads its number of threads from this variable when it first needs it.
OPENCV_THREADS = "OPENCV_FOR_THREADS_NUM"

# Called with the number of frames done and the number the file declares.
ProgressCallback = Callable[[int, int | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class JobSpec:
    """What all files of a batch have in common."""

    config: RunConfig
    """The settings as given."""
    command: tuple[str, ...]
    """The command line, for the run records."""
    threads: int
    """Threads each library of a worker may use."""
    model_sha256: str
    """SHA-256 of the model file; must match on every machine."""
    rtau_version: str = __version__
    """Version of this package; must match on every machine."""

    @property
    def worker_config(self) -> RunConfig:
        """The settings with the worker's share of threads where no number was given."""
        model, output = self.config.model, self.config.output
        return dataclasses.replace(
            self.config,
            model=dataclasses.replace(model, threads=model.threads or self.threads),
            output=dataclasses.replace(
                output, encoder_threads=output.encoder_threads or self.threads
            ),
        )


class Heartbeat:
    """A view that counts the frames of one file and reports progress at intervals. A `Sink`."""

    name = "heartbeat"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        on_progress: ProgressCallback | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Calls `on_progress` at most every `HEARTBEAT_EVERY_S` seconds."""
        self.frames = 0
        self.frames_total: int | None = None
        self._on_progress = on_progress
        self._clock = clock
        self._reported_s = clock()

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Counts the frame."""
        del result, picture
        self.frames += 1
        now_s = self._clock()
        if self._on_progress is not None and now_s - self._reported_s >= HEARTBEAT_EVERY_S:
            self._reported_s = now_s
            self._on_progress(self.frames, self.frames_total)

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing: the report of the file follows."""


def run_file(
    spec: JobSpec, job: FileJob, *, on_progress: ProgressCallback | None = None
) -> tuple[FileReport, str]:
    """Returns the report of one file and a one-line summary, also for a file that fails.

    Raises:
        RtauError: this worker cannot run any file: wrong version or model, no backend.
    """
    model = prepared(spec)
    started_s = time.perf_counter()
    heartbeat = Heartbeat(on_progress)
    fps, error = 0.0, None
    notes: tuple[str, ...] = ()
    try:
        outcome = _run(spec, job, model=model, heartbeat=heartbeat)
    except Exception as caught:  # noqa: BLE001 - one bad file does not end a batch
        status: Status = "failed"
        error = _describe_error(caught, job)
        summary = f"failed: {error}"
    else:
        status = "interrupted" if outcome.interrupted else "done"
        fps = round(outcome.summary.fps, 2)
        notes = outcome.notes
        summary = str(outcome)
    seconds = round(time.perf_counter() - started_s, 3)
    report = FileReport(
        str(job.file),
        status,
        frames=heartbeat.frames,
        fps=fps,
        seconds=seconds,
        error=error,
        notes=notes,
    )
    return report, summary


@functools.lru_cache(maxsize=1)
def prepared(spec: JobSpec) -> LoadedModel:
    """Returns the model of this process, loaded at the first call.

    Raises:
        BackendUnavailable: this machine has another version of rtau or another model file.
        RtauError: the model cannot be loaded, or lacks a heatmap that was asked for.
    """
    if spec.rtau_version != __version__:
        raise BackendUnavailable(
            f"this worker has rtau {__version__}, the batch was started by {spec.rtau_version}; "
            "install the same version on every machine"
        )
    os.environ[OPENCV_THREADS] = str(spec.threads)
    config = spec.worker_config
    path = find_model(config.model.model)
    if sha256_of(path) != spec.model_sha256:
        raise BackendUnavailable(
            f"{path}: the model file of this worker differs from that of the batch; "
            "copy the same file to every machine"
        )
    model = load_model(config.model)
    view_controls(config, model.engine.contract)
    check_tables(config, model.engine.contract)
    return model


def _run(spec: JobSpec, job: FileJob, *, model: LoadedModel, heartbeat: Heartbeat) -> Outcome:
    def views(session: Session) -> list[Sink]:
        heartbeat.frames_total = session.source.info.frame_count
        return [heartbeat]

    return run_source(
        lambda: open_file(job.file),
        spec.worker_config,
        outputs=job.outputs,
        views=views,
        command=spec.command,
        model=model,
    )


def _describe_error(error: Exception, job: FileJob) -> str:
    """Returns why a file failed, in one line without the file's name."""
    text = " ".join(str(error).split())
    if isinstance(error, RtauError):
        return text.removeprefix(f"{job.file}: ")
    if isinstance(error, OSError) and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: cannot be opened ({error.strerror})"
    traceback.print_exception(error)
    return f"{type(error).__name__}: {text} (a bug in rtau: its traceback is above)"
