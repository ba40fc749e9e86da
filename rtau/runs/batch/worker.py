"""The work on one file, the same in every process of a batch on whichever machine it runs.

Opens the engine once per process and keeps it; bounds the threads of every library to the
process's share of the cores. `processes` and `cluster` call `run_file`; it shares out nothing.
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
from rtau.runs.batch.plan import FileJob
from rtau.runs.batch.reports import FileReport, Status
from rtau.runs.build import check_landmarks, view_controls
from rtau.runs.session import LoadedModel, Outcome, Session, load_model, run_source
from rtau.sources import open_source

# Seconds between two signs of life of one file.
MOVED_EVERY_S = 0.5
# How OpenCV is told how many threads it may use; it reads this when it first needs a number.
OPENCV_THREADS = "OPENCV_FOR_THREADS_NUM"

# Called with the frames done and the frames the file declares.
Moved = Callable[[int, int | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What every worker of a batch is told; the same for all files."""

    config: RunConfig
    """The settings, as they were given."""
    command: tuple[str, ...]
    """The command line, for the run records."""
    threads: int
    """Threads each library of this worker may use."""
    model_sha256: str
    """SHA-256 of the model file; on every machine the same."""
    rtau_version: str = __version__
    """Version of this package; on every machine the same."""

    @property
    def own_config(self) -> RunConfig:
        """The settings with the worker's share of threads where none was given."""
        model, output = self.config.model, self.config.output
        return dataclasses.replace(
            self.config,
            model=dataclasses.replace(model, threads=model.threads or self.threads),
            output=dataclasses.replace(
                output, encoder_threads=output.encoder_threads or self.threads
            ),
        )


class SignsOfLife:
    """A view that counts the frames of one file and tells of them now and then. A `Sink`."""

    name = "signs of life"
    is_view = True
    is_slow = False
    wants_overlay = False

    def __init__(
        self, moved: Moved | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`moved` is called at most every `MOVED_EVERY_S` seconds."""
        self.frames = 0
        self.frames_total: int | None = None
        self._moved = moved
        self._clock = clock
        self._said_s = clock()

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Counts the frame."""
        del result, picture
        self.frames += 1
        now_s = self._clock()
        if self._moved is not None and now_s - self._said_s >= MOVED_EVERY_S:
            self._said_s = now_s
            self._moved(self.frames, self.frames_total)

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Does nothing: the report follows."""


def run_file(order: Order, job: FileJob, *, moved: Moved | None = None) -> tuple[FileReport, str]:
    """Returns the report of one file and the same in words; a file that fails is a report too.

    Raises:
        RtauError: this worker can work on no file at all: wrong version or model, no backend.
    """
    prepared(order)
    started_s = time.perf_counter()
    view = SignsOfLife(moved)
    fps, error = 0.0, None
    try:
        outcome = _run(order, job, view=view)
    except Exception as caught:  # noqa: BLE001 - one bad file does not end a batch
        status: Status = "failed"
        error = _error_words(caught, job)
        words = f"failed: {error}"
    else:
        status = "interrupted" if outcome.interrupted else "done"
        fps = round(outcome.summary.fps, 2)
        words = str(outcome)
    seconds = round(time.perf_counter() - started_s, 3)
    report = FileReport(
        str(job.file), status, frames=view.frames, fps=fps, seconds=seconds, error=error
    )
    return report, words


@functools.lru_cache(maxsize=1)
def prepared(order: Order) -> LoadedModel:
    """Returns this process's model, loaded at the first call.

    Raises:
        BackendUnavailable: this machine has another version of rtau or another model file.
        RtauError: the model cannot be opened, or lacks a heatmap that was asked for.
    """
    if order.rtau_version != __version__:
        raise BackendUnavailable(
            f"this worker has rtau {__version__}, the batch was started by {order.rtau_version}; "
            "install the same version on every machine"
        )
    os.environ[OPENCV_THREADS] = str(order.threads)
    config = order.own_config
    path = find_model(config.model.model)
    if sha256_of(path) != order.model_sha256:
        raise BackendUnavailable(
            f"{path}: the model of this worker is another than that of the batch; "
            "put the same file on every machine"
        )
    model = load_model(config.model)
    view_controls(config, model.engine.contract)
    check_landmarks(config, model.engine.contract)
    return model


def _run(order: Order, job: FileJob, *, view: SignsOfLife) -> Outcome:
    def views(session: Session) -> list[Sink]:
        view.frames_total = session.source.info.frame_count
        return [view]

    return run_source(
        lambda: open_source(str(job.file)),
        order.own_config,
        outputs=job.outputs,
        views=views,
        command=order.command,
        model=prepared(order),
    )


def _error_words(error: Exception, job: FileJob) -> str:
    """Returns why a file failed, in one line without the file's name."""
    if isinstance(error, RtauError):
        return " ".join(str(error).split()).removeprefix(f"{job.file}: ")
    traceback.print_exception(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text} (a mistake in rtau: its traceback is above)"
