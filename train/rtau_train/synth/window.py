"""Says which part of a camera's view becomes the picture, and mirrors pictures with their points.

The picture is a square of 1.9 times the longer side of the box of the 68 landmarks, so that
training can cut, shift and turn its crops inside it. Called by `render.py` and `picture.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau_train.datasets.augmentation import mirrored_order

Floats = npt.NDArray[np.float32]

SIDE_OVER_LANDMARK_BOX: Final = 1.9
# The landmarks end at the brows: the middle of the head is a little higher than theirs.
LIFT: Final = 0.04


@dataclasses.dataclass(frozen=True)
class Window:
    """A square in the camera's view, in tangents of the angle to its axis; y up."""

    x: float
    y: float
    half: float

    def projection(self, near: float, far: float) -> npt.NDArray[np.float64]:
        """Returns clip_from_view: float64 (4, 4), OpenGL's convention."""
        matrix = np.zeros((4, 4))
        matrix[0, 0] = matrix[1, 1] = 1 / self.half
        matrix[0, 2], matrix[1, 2] = self.x / self.half, self.y / self.half
        matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
        matrix[3, 2] = -1
        return matrix

    def pixels(self, tangents: Floats, size: int) -> Floats:
        """Returns places (..., 2) in the picture, px, of places in the view; y down."""
        scale = np.array([size / 2, -size / 2]) / self.half
        places = (tangents - np.array([self.x, self.y])) * scale + size / 2
        return np.asarray(places, np.float32)


def tangents(points_view: npt.NDArray[np.float64], /) -> Floats:
    """Returns where points (N, 3) of view space appear: (N, 2), tangents of angles."""
    return np.asarray(points_view[:, :2] / -points_view[:, 2:], np.float32)


def window_around(landmarks: Floats, /, *, shift: tuple[float, float] = (0.0, 0.0)) -> Window:
    """Returns the window of a face whose landmarks appear at (68, 2); `shift` in sides."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = SIDE_OVER_LANDMARK_BOX * float((high - low).max())
    middle = (low + high) / 2 + side * (np.array([0, LIFT]) + np.array(shift))
    return Window(float(middle[0]), float(middle[1]), side / 2)


def mirrored(image: Image, landmarks: Floats, /) -> tuple[Image, Floats]:
    """Returns the picture and its 68 points (px) with left and right swapped."""
    flipped = landmarks[mirrored_order()] * np.array([-1, 1], np.float32)
    flipped += np.array([image.shape[1], 0], np.float32)
    return np.ascontiguousarray(image[:, ::-1]), flipped
