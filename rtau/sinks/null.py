"""A sink that keeps nothing.

Stands where a run needs no output, so that nobody asks `if sink is None`; measures nothing.
Built by the command line for `--view none` and by benchmarks.
"""

from __future__ import annotations

from rtau.data import FrameResult, Picture


class NullSink:
    """Takes every result and forgets it. Satisfies `rtau.protocols.Sink`."""

    name = "nothing"
    is_view = False
    is_slow = False

    def __init__(self, *, wants_overlay: bool = False) -> None:
        """`wants_overlay` makes the pipeline draw although nobody looks, to time the drawing."""
        self.wants_overlay = wants_overlay

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Forgets the result."""

    def close(self) -> None:
        """Does nothing: there is nothing to finish."""
