"""The clock of a source file whose recordings may be joined: its jumps back become steps forward.

Pure arithmetic on times, the same as the sources do on their pictures. Called by
`_video_original.py`.
"""

from __future__ import annotations

from fractions import Fraction

# Times this far back are a new beginning (joined recordings), not the jitter of one.
NEW_BEGINNING_S = 1.0
# Assumed where a file has no rate.
FALLBACK_FPS = Fraction(25)


class JoinedClock:
    """Turns the file's times into those of the output, part by part.

    Pictures tell where a part begins; the sound of it may come before them in the file.
    """

    def __init__(self, *, start_time_s: float, nominal_fps: Fraction | None) -> None:
        """Takes the file's time that is 0 in the output, and the rate of its pictures."""
        self._step_s = float(1 / (nominal_fps or FALLBACK_FPS))
        self._shifts_s = [-start_time_s]
        self._newest_picture_s: float | None = None
        self._newest_sound_s: float | None = None
        self._sound_part = 0

    def picture_s(self, time_s: float) -> float:
        """Returns a picture's time in the output; in file order."""
        newest_s = self._newest_picture_s
        shown_s = time_s + self._shifts_s[-1]
        if newest_s is not None and newest_s - shown_s > NEW_BEGINNING_S:
            self._shifts_s.append(newest_s + self._step_s - time_s)
            shown_s = newest_s + self._step_s
        self._newest_picture_s = shown_s if newest_s is None else max(newest_s, shown_s)
        return shown_s

    def sound_part(self, time_s: float) -> int:
        """Returns the part that a packet of sound belongs to; in file order."""
        newest_s = self._newest_sound_s
        if newest_s is not None and newest_s - time_s > NEW_BEGINNING_S:
            self._sound_part += 1
            newest_s = None
        self._newest_sound_s = time_s if newest_s is None else max(newest_s, time_s)
        return self._sound_part

    def knows(self, part: int) -> bool:
        """Returns True if a picture of a part has been seen."""
        return part < len(self._shifts_s)

    def shift_s(self, part: int) -> float:
        """Returns what is added to the times of a part, seconds."""
        return self._shifts_s[min(part, len(self._shifts_s) - 1)]
