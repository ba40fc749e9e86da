"""Smooths one face's square in time: still when the face is still, prompt when it moves.

Holds the state of one track and no identity. The filter is the 1-euro filter of Casiez, Roussel &
Vogel (CHI 2012): a low-pass whose cutoff rises with speed.
"""

from __future__ import annotations

import math

from rtau.squares import Square

# Cutoffs of a still square, Hz: centre x, centre y, logarithm of the side, roll. Side and roll
# scatter most and change least, so they are held firmest. Figures: docs/detection.md.
STILL_HZ = (1.0, 1.0, 0.3, 0.5)
# How much the cutoff rises per unit of speed: sides, factors of e, or radians, a second.
HZ_PER_SPEED = (20.0, 20.0, 3.0, 6.0)
# Cutoff of the speed itself: lower and a starting movement is noticed late.
SPEED_HZ = 1.0
# After a gap this long the past says nothing of the present.
FORGET_S = 0.5


class SquareFilter:
    """The filtered square of one face, a step per frame.

    Plain floats throughout: on four numbers a call of numpy costs many times the sum itself.
    """

    def __init__(self, square: Square, *, time_s: float) -> None:
        """Starts at a square as it is."""
        self._restart(square)
        self._time_s = time_s

    @property
    def square(self) -> Square:
        """The square as last filtered."""
        x, y, log_side, roll = self._value
        return Square(x, y, math.exp(log_side), roll)

    def update(self, square: Square, *, time_s: float) -> None:
        """Takes the square measured at a time."""
        elapsed_s, self._time_s = time_s - self._time_s, time_s
        if elapsed_s > FORGET_S:
            self._restart(square)
        elif elapsed_s > 0:
            self._approach(square, elapsed_s)

    def _restart(self, square: Square) -> None:
        self._value = [square.x, square.y, math.log(square.side), square.roll]
        self._speed = [0.0, 0.0, 0.0, 0.0]

    def _approach(self, square: Square, elapsed_s: float) -> None:
        # Speeds in sides a second, so that a near face is smoothed like a far one.
        scales = (1 / square.side, 1 / square.side, 1.0, 1.0)
        measured = (square.x, square.y, math.log(square.side), square.roll)
        speed_weight = _weight(SPEED_HZ, elapsed_s)
        for axis, scale in enumerate(scales):
            away = measured[axis] - self._value[axis]
            if axis == 3:  # the short way round
                away = math.remainder(away, 2 * math.pi)
            speed = self._speed[axis]
            speed += speed_weight * (away * scale / elapsed_s - speed)
            self._speed[axis] = speed
            cutoff_hz = STILL_HZ[axis] + HZ_PER_SPEED[axis] * abs(speed)
            self._value[axis] += _weight(cutoff_hz, elapsed_s) * away


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Returns the weight of a new value in a low-pass of the cutoff: 1 / (1 + tau / dt)."""
    turn = 2 * math.pi * cutoff_hz * elapsed_s
    return turn / (1 + turn)
