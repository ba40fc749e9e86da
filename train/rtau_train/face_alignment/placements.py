"""Says where squares lie on faces and beside them: what a crop of a face is, and what is none.

Called by `examples.py`, which cuts along these squares, by `proposals.py` and by `measures.py`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.squares import FaceSquares

# How far a square may be off its face to be a crop of it, in sides, as a logarithm and as a turn.
MOST_SHIFT: Final = 0.32
MOST_LOG_SCALE: Final = 0.45
MOST_TURN_DEG: Final = 50.0
# From here on it is none.
_LEAST_SHIFT: Final = 0.55
_UPSIDE_DOWN_DEG: Final = 95.0
# Twice the scatter of Haar's boxes (docs/detection.md), and the rougher guesses of bold searches.
_FINE: Final = (0.05, 0.09)
_ROUGH: Final = (0.14, 0.2)


@dataclasses.dataclass(frozen=True)
class Placement:
    """How a crop's square lies on the square of a face."""

    shift: tuple[float, float]
    """In sides of the face, in the face's directions."""
    log_scale: float
    """Logarithm of the crop's square over the face's."""
    roll_rad: float
    """Of the crop's square against the face's."""


def placed(face: FaceSquares, placement: Placement, /) -> FaceSquares:
    """Returns the square that lies so on a face's: one row each."""
    side, roll = float(face.sides_px[0]), float(face.rolls_rad[0])
    x, y = placement.shift
    moved = [
        side * (x * math.cos(roll) - y * math.sin(roll)),
        side * (x * math.sin(roll) + y * math.cos(roll)),
    ]
    return FaceSquares(
        centres_xy=(face.centres_xy + np.array([moved], np.float32)).astype(np.float32),
        sides_px=(face.sides_px * np.float32(math.exp(placement.log_scale))).astype(np.float32),
        rolls_rad=(face.rolls_rad + np.float32(placement.roll_rad)).astype(np.float32),
    )


def on_face(rng: np.random.Generator, /) -> Placement:
    """Returns a place that a search or a follower might give a face."""
    shift_std, scale_std = _FINE if rng.random() < 0.5 else _ROUGH
    shift = np.clip(rng.normal(0, shift_std, 2), -MOST_SHIFT, MOST_SHIFT)
    turn = rng.normal(0, 8) if rng.random() < 0.5 else rng.uniform(-MOST_TURN_DEG, MOST_TURN_DEG)
    return Placement(
        shift=(float(shift[0]), float(shift[1])),
        log_scale=float(np.clip(rng.normal(0, scale_std), -MOST_LOG_SCALE, MOST_LOG_SCALE)),
        roll_rad=math.radians(float(turn)),
    )


def off_face(rng: np.random.Generator, /) -> Placement:
    """Returns a place beside a face, one of another size, or one upside down."""
    kind = rng.random()
    on = on_face(rng)
    if kind < 0.5:
        far, angle = rng.uniform(_LEAST_SHIFT, 1.15), rng.uniform(0, 2 * math.pi)
        log_scale = on.log_scale * 0.5
        far *= max(1.0, math.exp(log_scale))
        return Placement((far * math.cos(angle), far * math.sin(angle)), log_scale, on.roll_rad)
    if kind < 0.7:
        near = rng.uniform(-0.4, 0.4, 2)
        part = rng.uniform(math.log(0.2), math.log(0.45))
        return Placement((float(near[0]), float(near[1])), float(part), on.roll_rad)
    if kind < 0.85:
        around = rng.uniform(-0.7, 0.7, 2)
        much = rng.uniform(math.log(2.2), math.log(4.0))
        return Placement((float(around[0]), float(around[1])), float(much), on.roll_rad)
    turn = rng.uniform(_UPSIDE_DOWN_DEG, 360 - _UPSIDE_DOWN_DEG)
    return Placement(on.shift, on.log_scale, math.radians(float(turn)))


def any_square(rng: np.random.Generator, image: npt.NDArray[np.uint8], /) -> FaceSquares:
    """Returns a square anywhere in a picture: of any size, most often upright."""
    height, width = image.shape
    side = math.exp(rng.uniform(math.log(20), math.log(0.9 * min(height, width))))
    roll = rng.normal(0, 0.2) if rng.random() < 0.6 else rng.uniform(-math.pi, math.pi)
    return FaceSquares(
        centres_xy=(rng.random((1, 2)) * [width, height]).astype(np.float32),
        sides_px=np.array([side], np.float32),
        rolls_rad=np.array([roll], np.float32),
    )
