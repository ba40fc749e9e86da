"""The six protocols of rtau, each with its promises; no code.

An implementation satisfies a protocol by its shape and by passing the contract test named in the
docstring: add a new one to that test's list. Everything between the protocols is a pure function.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

from rtau.contract import ModelContract
from rtau.data import (
    Crops,
    Faces,
    Frame,
    FrameResult,
    Picture,
    Scores,
    TrackedFaces,
)
from rtau.geometry import Boxes
from rtau.squares import Alignment, FaceSquares


@dataclasses.dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its first frame."""

    name: str
    """A path, a URL or `camera 0`, for people."""
    width: int
    """Width of its frames (upright, square pixels), px."""
    height: int
    """Height of its frames, px."""
    nominal_fps: Fraction | None
    """Declared rate, exact; None when unknown. Times come from frames, never from this."""
    frame_count: int | None
    """Declared number of frames, possibly wrong; None when unknown or endless."""


@dataclasses.dataclass(frozen=True, slots=True)
class MediaOrigin:
    """The file a source reads, and its clock: what a sink needs to keep times and sound."""

    address: str
    """What FFmpeg opens: `file:clip.mp4` or a URL, which may hold a password."""
    start_time_s: float
    """Time on the file's own clock at which `Frame.time_s` is 0.

    0 for formats with a timeline (mp4, mov, mkv, avi, ...), where a picture that starts later
    starts later; the earliest timestamp of all streams for MPEG-TS and MPEG-PS, whose clocks start
    anywhere; the first picture's time where it is negative.
    """
    picture_stream: int
    """Index of the stream of pictures that is read."""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """FFmpeg's options to open it with."""
    timeouts_s: tuple[float, float] | None = None
    """Longest waits for opening and for reading, seconds; None for files of this machine."""
    path: Path | None = None
    """The file; None if it is served over a network."""


@dataclasses.dataclass(frozen=True, slots=True)
class SourceReport:
    """What a source has counted so far, and where its frames come from."""

    corrupt: int = 0
    """Frames that could not be decoded."""
    dropped: int = 0
    """Captured frames the source dropped itself, because newer ones came before they were taken."""
    reconnects: int = 0
    """Times a lost stream was opened again."""
    notes: tuple[str, ...] = ()
    """Sentences for people, such as a camera mode that differs from the one asked for."""
    origin: MediaOrigin | None = None
    """The video file that is read; None for any other source."""


@runtime_checkable
class Source(Protocol):
    """Yields frames in order. Tested by tests/contracts/test_source.py.

    * Iterated once, by one thread at a time, not always the same. Indices start at 0 and grow
      by one per *captured* frame; `time_s` never decreases.
    * All frames have the size in `info`, except in sources of unrelated images.
    * A corrupt frame is skipped, counted in its report, and leaves a gap in the indices. The end of
      a file ends the iteration; an unplugged camera or a lost stream raises SourceError. Every
      blocking read is bounded.
    * `close()` may be called from another thread and twice; it ends a running iteration soon.
    """

    @property
    def info(self) -> SourceInfo:
        """What is known before the first frame."""
        ...

    @property
    def is_live(self) -> bool:
        """True where waiting loses frames (camera, stream): the newest frame wins."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Yields frames until the end."""
        ...

    def report(self) -> SourceReport:
        """Returns the counts so far; safe from any thread, also after `close()`."""
        ...

    def close(self) -> None:
        """Frees the device or the file."""
        ...


@runtime_checkable
class Tracker(Protocol):
    """Finds the faces of a sequence of frames. Tested by tests/contracts/test_tracker.py.

    * Time comes with the frames; ids start at 1 and are never used again within a run.
    * Every face returned is shown by the frame itself, has a box, a tilt, a presence and an id.
    """

    def track(self, frame: Frame, /) -> TrackedFaces:
        """Returns the faces of the next frame; `time_s` never decreases from call to call."""
        ...

    def reset(self) -> None:
        """Forgets all faces (a cut, a new file); ids go on counting."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Proposes where faces may be. Tested by tests/contracts/test_detector.py.

    * Stateless: the same frame and the same arguments give the same faces.
    * Recall counts, false proposals are refused later: scores and `track_ids` are None.
    * Boxes lie inside the frame, in a stable order.
    """

    def detect(
        self,
        frame: Frame,
        /,
        *,
        regions_xyxy: Boxes | None = None,
        halvings: int = 0,
        known_xyxy: Boxes | None = None,
    ) -> Faces:
        """Returns proposals.

        Args:
            frame: to search.
            regions_xyxy: float32 (M, 4), px: what to search, in sizes as in the whole frame; a face
                that reaches out of all of them may be found or not. None for the whole frame.
            halvings: how often the side of the smallest face looked for is halved. Nothing may be
                proposed where that is no smaller than one halving before.
            known_xyxy: float32 (K, 4), px: faces that are known; nothing need be proposed on them.
        """
        ...

    def smallest_px(self, frame: Frame, /) -> float:
        """Returns the side of the smallest face that is looked for in a frame, px."""
        ...


@runtime_checkable
class Aligner(Protocol):
    """Verifies squares and places them on faces. Tested by tests/contracts/test_aligner.py.

    * Stateless; any number of squares, 0 included; a row per square, in order.
    * A square need not lie in the frame.
    """

    def align(
        self, frame: Frame, squares: FaceSquares, /, *, with_mirrored: bool = False
    ) -> Alignment:
        """Returns presence, corrected squares, appearance and covers of each square.

        Args:
            frame: to look at.
            squares: where faces may be.
            with_mirrored: presence is the mean, as log-odds, of each crop and its mirror image.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """Scores batches of crops. Tested by tests/contracts/test_engine.py.

    * Warm when built: the first batch costs what the others cost.
    * Takes any number of rows: 0 is legal and free, more than `max_batch` is split.
    * `cams=False` costs nothing for heatmaps; `cams=True` on a contract without them is a
      ContractError. Returned arrays belong to the caller. One thread at a time.
    """

    @property
    def contract(self) -> ModelContract:
        """What the model expects and returns."""
        ...

    @property
    def device(self) -> str:
        """What is really used, for people: `onnxruntime 1.32.0, CPUExecutionProvider`."""
        ...

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns a row of scores per crop, in order."""
        ...

    def close(self) -> None:
        """Frees the model; may be called twice."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class SinkReport:
    """What became of a sink's output, for the run record."""

    note: str | None = None
    """A sentence for people where the file is not as they expect; None when all is well."""
    audio: str | None = None
    """What became of the sound: `copied aac`, `none`; None for sinks that write no sound."""


@runtime_checkable
class Sink(Protocol):
    """Takes results to where people or programs see them. Tested by tests/contracts/test_sink.py.

    * `write` never changes what it is given. `picture` is the annotated one, in BGR or in planes,
      read-only, and is None exactly when `wants_overlay` is False.
    * It raises SinkError once and is then closed by the runner; `StopRun` from a view ends the run
      cleanly. `close()` finishes files, may be called twice, and never raises for a sink whose
      `write` already raised.
    """

    @property
    def name(self) -> str:
        """What the sink writes, for error texts: `annotated.mp4`."""
        ...

    @property
    def wants_overlay(self) -> bool:
        """True when `write` needs the annotated picture."""
        ...

    @property
    def is_view(self) -> bool:
        """True for windows and terminals: their failure is reported but does not end a run."""
        ...

    @property
    def is_slow(self) -> bool:
        """True where a write takes about as long as all else of a frame, as encoding does.

        It is then called beside the run, by one thread at a time, not always the same, and a
        failure is raised some frames later.
        """
        ...

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Takes one frame's result, in order."""
        ...

    def report(self) -> SinkReport:
        """Returns what became of the output; complete after `close()`."""
        ...

    def close(self) -> None:
        """Finishes and frees."""
        ...


class StopRun(Exception):  # noqa: N818 - not an error: the user ended the run in a view
    """Raised by a view's `write` when the user closed it or pressed q."""
