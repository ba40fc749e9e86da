"""How a stored picture must be turned to stand upright: the eight turns and mirrors of a matrix.

Knows display matrices as video containers carry them, and arrays; reads no file and decodes
nothing. Called by `pictures.py` for every decoded frame, and for AVIF images.
"""

from __future__ import annotations

import enum
import struct

import cv2
import numpy as np

from rtau.data import Image


class Orientation(enum.Enum):
    """A turn or a mirror, named after what is done to the stored picture.

    The value is the linear part (a, b, c, d) of the display matrix: a stored point (x, y) is shown
    at (a x + c y, b x + d y), y downwards (ISO/IEC 14496-12, 6.2.2, without translation).
    """

    STORED = (1, 0, 0, 1)
    CLOCKWISE = (0, 1, -1, 0)
    HALF_TURN = (-1, 0, 0, -1)
    COUNTER_CLOCKWISE = (0, -1, 1, 0)
    MIRRORED = (-1, 0, 0, 1)
    FLIPPED = (1, 0, 0, -1)
    TRANSPOSED = (0, 1, 1, 0)
    ANTI_TRANSPOSED = (0, -1, -1, 0)

    @property
    def swaps_sides(self) -> bool:
        """True when width becomes height."""
        a, _, _, _ = self.value
        return bool(a == 0)

    def then(self, other: Orientation) -> Orientation:
        """Returns what doing this and then the other comes to."""
        a, b, c, d = self.value
        e, f, g, h = other.value
        return Orientation((a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h))

    def upright(self, image: Image) -> Image:
        """Returns the picture as it is meant to be seen; the same array when nothing is to do."""
        if self is Orientation.STORED:
            return image
        if self in _ROTATIONS:
            return np.asarray(cv2.rotate(image, _ROTATIONS[self]), dtype=np.uint8)
        if self in _FLIPS:
            return np.asarray(cv2.flip(image, _FLIPS[self]), dtype=np.uint8)
        turned = cv2.transpose(image)
        if self is Orientation.ANTI_TRANSPOSED:
            turned = cv2.rotate(turned, cv2.ROTATE_180)
        return np.asarray(turned, dtype=np.uint8)


_ROTATIONS = {
    Orientation.CLOCKWISE: cv2.ROTATE_90_CLOCKWISE,
    Orientation.HALF_TURN: cv2.ROTATE_180,
    Orientation.COUNTER_CLOCKWISE: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {Orientation.MIRRORED: 1, Orientation.FLIPPED: 0}


def orientation_from_matrix(raw: bytes) -> Orientation | None:
    """Returns the orientation of a display matrix (9 native int32); None for a slanted one."""
    a, b, _, c, d, *_ = struct.unpack("=9i", raw)
    largest = max(abs(a), abs(b), abs(c), abs(d)) or 1
    linear = tuple(round(value / largest) for value in (a, b, c, d))
    try:
        return Orientation(linear)
    except ValueError:
        return None
