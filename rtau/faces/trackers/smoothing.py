"""Smooths one face's box in time with the 1-euro filter of Casiez, Roussel & Vogel (CHI 2012).

A low-pass whose cutoff rises with speed: little jitter at rest, little lag in motion. `IouTracker`
keeps one per track.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# Cutoffs of a box at rest, Hz: centre x, centre y, logarithm of the side. The side has the most
# jitter and changes least, so its cutoff is the lowest. Measurements: docs/detection.md.
STILL_HZ = (1.0, 1.0, 0.3)
# How much the cutoff rises per side (or per factor e) and second of speed.
HZ_PER_SPEED = (20.0, 20.0, 3.0)
# Cutoff of the speed itself, Hz: a lower one reacts late to a starting movement.
SPEED_HZ = 1.0
# After a gap this long the filter restarts.
RESTART_S = 0.5


class SmoothedBox:
    """The smoothed box of one face, a step per frame.

    Uses Python floats: on three numbers a NumPy call costs many times the arithmetic.
    """

    def __init__(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> None:
        """Starts at a box."""
        self._time_s = time_s
        self._value, self._aspect = _parted(box_xyxy)
        self._speed = [0.0, 0.0, 0.0]

    def step(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> npt.NDArray[np.float32]:
        """Returns the smoothed box, float32 (4,), after the box detected at `time_s`."""
        seen, self._aspect = _parted(box_xyxy)
        dt = time_s - self._time_s
        if dt > RESTART_S:
            self._value, self._speed = seen, [0.0, 0.0, 0.0]
        elif dt > 0:
            self._approach(seen, dt)
        self._time_s = time_s
        return self.box_xyxy

    @property
    def box_xyxy(self) -> npt.NDArray[np.float32]:
        """float32 (4,): the smoothed box of the last step."""
        x, y, log_side = self._value
        # NumPy's exp, not math's: they differ in the last bit, and so would earlier outputs.
        half_side = float(np.exp(log_side)) / 2
        half_x, half_y = half_side * self._aspect[0], half_side * self._aspect[1]
        return np.array([x - half_x, y - half_y, x + half_x, y + half_y], np.float32)

    def _approach(self, seen: list[float], dt: float) -> None:
        """Moves value and speed towards the values measured `dt` seconds after the last step."""
        # Speeds in sides per second, so that smoothing does not depend on the size of the face.
        per_side = math.exp(-seen[2])
        speed_weight = _weight(SPEED_HZ, dt)
        for axis, scale in enumerate((per_side, per_side, 1.0)):
            away = seen[axis] - self._value[axis]
            speed = self._speed[axis]
            speed += speed_weight * (away * scale / dt - speed)
            cutoff_hz = STILL_HZ[axis] + HZ_PER_SPEED[axis] * abs(speed)
            self._speed[axis] = speed
            self._value[axis] += _weight(cutoff_hz, dt) * away


def _parted(box_xyxy: npt.NDArray[np.float32]) -> tuple[list[float], tuple[float, float]]:
    """Returns centre x, y and log of the mean side, and width and height over that side."""
    x0, y0, x1, y1 = box_xyxy.tolist()
    width, height = max(x1 - x0, 1e-3), max(y1 - y0, 1e-3)
    side = math.sqrt(width * height)
    return [(x0 + x1) / 2, (y0 + y1) / 2, math.log(side)], (width / side, height / side)


def _weight(cutoff_hz: float, dt: float) -> float:
    """Returns the weight of a new value in a low-pass of the cutoff: 1 / (1 + tau / dt)."""
    turn = 2 * math.pi * cutoff_hz * dt
    return turn / (1 + turn)
