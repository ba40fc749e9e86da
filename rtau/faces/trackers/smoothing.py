"""Steadies one face's box in time: still when the face is still, prompt when it moves.

Holds the state of one track and no identity; `IouTracker` keeps one per face. The filter is the
1-euro filter of Casiez, Roussel & Vogel (CHI 2012): a low-pass whose cutoff rises with speed.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# Cutoffs of a still box, Hz: centre x, centre y, logarithm of the side. The side is trembling most
# and changes least, so it is held firmest. Figures: docs/detection.md.
STILL_HZ = (1.0, 1.0, 0.3)
# How much the cutoff rises per side (or per factor e) and second of speed.
HZ_PER_SPEED = (20.0, 20.0, 3.0)
# Cutoff of the speed itself: lower and a starting movement is noticed late.
SPEED_HZ = 1.0
# After a gap this long the past says nothing of the present.
FORGET_S = 0.5


class SteadyBox:
    """The steadied box of one face, a step per frame.

    Plain floats throughout: on three numbers a call of numpy costs many times the sum itself.
    """

    def __init__(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> None:
        """Starts at a box as it is."""
        self._time_s = time_s
        self._value, self._aspect = _parted(box_xyxy)
        self._speed = [0.0, 0.0, 0.0]

    def step(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> npt.NDArray[np.float32]:
        """Returns the steadied box, float32 (4,), after taking the box seen at a time."""
        seen, self._aspect = _parted(box_xyxy)
        dt = time_s - self._time_s
        if dt > FORGET_S:
            self._value, self._speed = seen, [0.0, 0.0, 0.0]
        elif dt > 0:
            self._approach(seen, dt)
        self._time_s = time_s
        return self.box_xyxy

    @property
    def box_xyxy(self) -> npt.NDArray[np.float32]:
        """float32 (4,): the box as last steadied."""
        x, y, log_side = self._value
        # numpy's exp, not math's: they differ in the last bit, and outputs were made with this one.
        half_side = float(np.exp(log_side)) / 2
        half_x, half_y = half_side * self._aspect[0], half_side * self._aspect[1]
        return np.array([x - half_x, y - half_y, x + half_x, y + half_y], np.float32)

    def _approach(self, seen: list[float], dt: float) -> None:
        """Moves value and speed towards what was seen `dt` seconds after the last step."""
        # Speeds in sides per second, so that a near face is steadied like a far one.
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
