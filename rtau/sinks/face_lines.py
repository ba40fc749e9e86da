"""One line of text per face: the active labels, the most probable first.

`rtau image` prints these if no output is given. Programs should read `--csv -` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import numpy as np

from rtau.data import FrameResult, Picture
from rtau.facs import name_beside
from rtau.protocols import SinkReport
from rtau.shown import shown


class FaceLinesSink:
    """Prints the active labels of each face of each image. Satisfies `rtau.protocols.Sink`."""

    wants_overlay = False
    is_view = False
    is_slow = False
    name = "standard output"

    def __init__(self, stream: TextIO, *, file_of: Callable[[int], str]) -> None:
        """Writes to a text stream; `file_of` names the original of a frame index."""
        self._stream = stream
        self._file_of = file_of

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Prints the lines of one image."""
        file = shown(self._file_of(result.frame.index))
        if not len(result.faces):
            self._stream.write(f"{file}: no face found\n")
        probabilities = result.deciding
        for row in range(len(result.faces)):
            order = np.argsort(-probabilities[row], kind="stable")
            active = [k for k in order.tolist() if result.active[row, k]]
            words = ", ".join(
                f"{_named(result.scores.labels[k])} {probabilities[row, k]:.2f}" for k in active
            )
            self._stream.write(f"{file}: face {row + 1}: {words or 'no AU active'}\n")

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Flushes the stream."""
        self._stream.flush()


def _named(label: str) -> str:
    return f"{label} {name_beside(label)}".rstrip()
