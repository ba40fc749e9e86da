"""One line of text per face: the active labels, strongest first.

What `rtau image` prints when no output is named; for people, not for programs (`--csv -` is).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

import numpy as np

from rtau.data import FrameResult, Picture
from rtau.facs import words_for_label
from rtau.protocols import SinkReport


class FaceLinesSink:
    """Prints who does what in each image."""

    wants_overlay = False
    is_view = False
    is_slow = False
    name = "standard output"

    def __init__(self, stream: TextIO, *, file_of: Callable[[int], str]) -> None:
        """Writes to a text stream; `file_of` names the original of a frame index."""
        self._stream = stream
        self._file_of = file_of

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - seam
        """Prints the lines of one image."""
        file = self._file_of(result.frame.index)
        if not len(result.faces):
            self._stream.write(f"{file}: no face found\n")
        probabilities = result.scores.probabilities
        for row in range(len(result.faces)):
            order = np.argsort(-probabilities[row], kind="stable")
            active = [k for k in order.tolist() if result.active[row, k]]
            words = ", ".join(
                f"{_shown(result.scores.labels[k])} {probabilities[row, k]:.2f}" for k in active
            )
            self._stream.write(f"{file}: face {row + 1}: {words or 'no active AU'}\n")

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Hands the lines on."""
        self._stream.flush()


def _shown(label: str) -> str:
    words = words_for_label(label)
    return label if words == label else f"{label} {words}"
