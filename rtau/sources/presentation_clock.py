"""Presentation times in seconds that never decrease, whatever the timestamps of a file do.

Pure arithmetic on timestamps: it reads no clock and no file. Called by the video file source, and
by the stream source for files served over HTTP.
"""

from __future__ import annotations

from fractions import Fraction

# Timestamps this far back are a new beginning (joined recordings), not the jitter of one.
NEW_BEGINNING_S = 1.0
# Assumed where a file has neither timestamps nor a rate, such as a raw stream.
FALLBACK_FPS = Fraction(25)


class PresentationClock:
    """Turns each frame's timestamp into seconds, in the order of presentation.

    * A timestamp counts as it stands, times the time base, from the clock's zero: a first frame
      that comes later stays later, and gaps stay gaps. One before the zero is held there.
    * One that goes back a little is held at the time before; one that goes back by more than
      NEW_BEGINNING_S starts anew: from there on times go on one frame after the last.
    * A frame without one comes one frame after the last.
    """

    def __init__(
        self, *, time_base: Fraction, nominal_fps: Fraction | None, zero_s: float = 0.0
    ) -> None:
        """Sets the clock up.

        Args:
            time_base: seconds per tick of the timestamps.
            nominal_fps: declared rate, for frames without a timestamp.
            zero_s: the timestamps' time that is 0 here, seconds.
        """
        self._time_base = time_base
        self._step_s = float(1 / (nominal_fps or FALLBACK_FPS))
        self._shift_s = -zero_s
        self._last_s: float | None = None

    def time_s(self, timestamp: int | None) -> float:
        """Returns the time of the next frame, seconds."""
        self._last_s = self._next_s(timestamp)
        return self._last_s

    def _next_s(self, timestamp: int | None) -> float:
        last_s = self._last_s
        if timestamp is None:
            return 0.0 if last_s is None else last_s + self._step_s
        time_s = float(timestamp * self._time_base) + self._shift_s
        if last_s is None or time_s >= last_s:
            return max(0.0, time_s)
        if last_s - time_s > NEW_BEGINNING_S:
            self._shift_s += last_s + self._step_s - time_s
            return last_s + self._step_s
        return last_s
