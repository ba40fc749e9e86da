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
STILL_HZ = np.array([1.0, 1.0, 0.3])
# How much the cutoff rises per side (or per factor e) and second of speed.
HZ_PER_SPEED = np.array([20.0, 20.0, 3.0])
# Cutoff of the speed itself: lower and a starting movement is noticed late.
SPEED_HZ = 1.0
# After a gap this long the past says nothing of the present.
FORGET_S = 0.5


class SteadyBox:
    """The steadied box of one face, a step per frame."""

    def __init__(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> None:
        """Starts at a box as it is."""
        self._time_s = time_s
        self._value, self._aspect = _parted(box_xyxy)
        self._speed = np.zeros(3)

    def step(self, box_xyxy: npt.NDArray[np.float32], *, time_s: float) -> npt.NDArray[np.float32]:
        """Returns the steadied box, float32 (4,), after taking the box seen at a time."""
        seen, self._aspect = _parted(box_xyxy)
        dt = time_s - self._time_s
        if dt > FORGET_S:
            self._value, self._speed = seen, np.zeros(3)
        elif dt > 0:
            # Speeds in sides per second, so that a near face is steadied like a far one.
            scale = np.array([math.exp(-seen[2]), math.exp(-seen[2]), 1.0])
            speed = (seen - self._value) * scale / dt
            self._speed = self._speed + _weight(SPEED_HZ, dt) * (speed - self._speed)
            cutoff_hz = STILL_HZ + HZ_PER_SPEED * np.abs(self._speed)
            self._value = self._value + _weight(cutoff_hz, dt) * (seen - self._value)
        self._time_s = time_s
        return self.box_xyxy

    @property
    def box_xyxy(self) -> npt.NDArray[np.float32]:
        """float32 (4,): the box as last steadied."""
        half = np.exp(self._value[2]) / 2 * self._aspect
        return np.concatenate([self._value[:2] - half, self._value[:2] + half]).astype(np.float32)


def _parted(
    box_xyxy: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns centre x, y and log of the mean side, and width and height over that side."""
    box = box_xyxy.astype(np.float64)
    sides = np.maximum(box[2:] - box[:2], 1e-3)
    side = math.sqrt(sides[0] * sides[1])
    return np.array([*(box[:2] + box[2:]) / 2, math.log(side)]), sides / side


def _weight(cutoff_hz: npt.NDArray[np.float64] | float, dt: float) -> npt.NDArray[np.float64]:
    """Returns the weight of a new value in a low-pass of the cutoff: 1 / (1 + tau / dt)."""
    turn = 2 * math.pi * np.asarray(cutoff_hz, np.float64) * dt
    return np.asarray(turn / (1 + turn))
