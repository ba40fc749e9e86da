"""JSON lines: one object per frame, for programs that read a pipe.

Lines are not buffered, so that `rtau webcam --jsonl - | reader` is live. The objects are those of
`frame_json`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rtau.data import FrameResult, Picture
from rtau.protocols import SinkReport
from rtau.sinks._line_file import LineFile
from rtau.sinks.frame_json import FrameObjects


class JsonlSink:
    """Writes one JSON object per frame and line. Satisfies `rtau.protocols.Sink`."""

    is_view = False
    is_slow = False
    wants_overlay = False

    def __init__(
        self,
        path: Path | str,
        *,
        thresholds: Sequence[float] | None = None,
        file_of: Callable[[int], str] | None = None,
        landmarks: bool = False,
        markers: bool = False,
        overwrite: bool = True,
    ) -> None:
        """Opens the file.

        Args:
            path: the file, or `-` for standard output.
            thresholds: the contract's for multi_label, so that a probability that is read back lies
                on the side of its threshold that `active` implies; None for multi_class.
            file_of: name of the file a frame index came from, for the field `file`.
            landmarks: the 68 landmarks of each face, where the model has them.
            markers: the events of each frame, in a run that takes them.
            overwrite: False refuses a file that is already there.

        Raises:
            UsageError: the path is a directory, or exists and `overwrite` is False.
            SinkError: the file cannot be written.
        """
        self._objects = FrameObjects(
            thresholds=thresholds, file_of=file_of, landmarks=landmarks, markers=markers
        )
        self._lines = LineFile(path, overwrite=overwrite)
        self.name = self._lines.name

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Writes the frame's line.

        Raises:
            SinkError: the disk is full and the like.
            StopRun: the reader of standard output closed the pipe.
        """
        self._lines.write(self._objects.text(result) + "\n")

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._lines.close()
