"""How far each Action Unit moves MediaPipe's 478 points, by the shapes of ICT-FaceKit.

`mesh478_on_ict.csv` says where the points lie on the neutral head, seen from the front: found by
MediaPipe on a render of it, then made its own mirror image. Moves nothing itself; called by
`faces.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from rtau_train.synth.assets import Assets
from rtau_train.synth.sculpt import sculpted_shapes
from rtau_train.synth.shapes import AU_SHAPES, sides, strength

Floats = npt.NDArray[np.float64]

PLACES: Final = Path(__file__).with_name("mesh478_on_ict.csv")
# Lips part in AU10, AU25 and AU26, and a portrait shows nothing of the mouth behind them; a closing
# lid would draw the white of the eye out into a streak.
AUS: Final = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 7, 14, 23, 24)
# Leave the mouth alone, whatever it does.
UPPER_FACE: Final = (1, 2, 4, 5, 7)
# One side can move alone.
SIDED: Final = (1, 2, 4, 5, 6, 9, 12, 15, 20, 7, 14)
_RIGHT_EYE: Final = (33, 133)
_LEFT_EYE: Final = (362, 263)
IRISES: Final = tuple(range(468, 478))
# fmt: off
_UPPER_LIP: Final = (
    185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)
_LOWER_LIP: Final = (
    146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307,
    96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324,
)
# Where closed lips touch: upper and lower, from the right corner to the left.
_TOUCHING: Final = (
    (191, 95), (80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318),
    (415, 324),
)
# Upper and lower edge of the brows: they move, and do not grow thick.
_BROW_EDGES: Final = (
    (70, 46), (63, 53), (105, 52), (66, 65), (107, 55),
    (300, 276), (293, 283), (334, 282), (296, 295), (336, 285),
)
# fmt: on
# The skin of ICT-FaceKit's face, without the back of the head.
_FACE_VERTICES: Final = 9409
_FRONT_Z_CM: Final = 3.0
# Of the jaw's drop, what tells a vertex of the lower lip.
_LOWER_SHARE: Final = 0.25
_NEAREST: Final = 6
_NEAR_CM: Final = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Displacements:
    """What the AUs of `AUS` do at full strength, a half per side of the face."""

    places_cm: Floats
    """float64 (478, 2): the points on the neutral head seen from the front; x to its left, y up."""
    left: Mapping[int, Floats]
    """AU -> float64 (478, 3): moves in distances of the eyes, x right in the picture, y down, z
    away; by what the left half of the face does."""
    right: Mapping[int, Floats]

    def moves(self, left: Mapping[int, float], right: Mapping[int, float], /) -> Floats:
        """Returns the sum of moves, (478, 3), for intensities 0-5 of AUs per side."""
        total = np.zeros((len(self.places_cm), 3))
        for halves, intensities in ((self.left, left), (self.right, right)):
            for au, intensity in intensities.items():
                total += strength(intensity) * halves[au]
        return total


def read_places() -> Floats:
    """Returns where the points lie on ICT-FaceKit's neutral head: float64 (478, 2), cm."""
    return np.loadtxt(PLACES, delimiter=",", skiprows=1)


def displacements(assets: Assets, /) -> Displacements:
    """Returns the moves of all points, from the meshes in an asset folder."""
    places = read_places()
    eyes = places[_LEFT_EYE, :].mean(axis=0) - places[_RIGHT_EYE, :].mean(axis=0)
    movable = np.ones(len(assets.neutral), np.bool_)
    shapes = {
        **assets.actions,
        **sculpted_shapes(assets.neutral, movable, sneer=assets.actions),
    }
    carry = _carriers(assets, places)
    unit = np.array([1, -1, -1]) / np.linalg.norm(eyes)
    halves: dict[str, dict[int, Floats]] = {"_L": {}, "_R": {}}
    for au in AUS:
        for side, moves in halves.items():
            total = np.zeros((len(places), 3))
            for name, weight in AU_SHAPES[au]:
                for shape in sides(name):
                    share = 0.5 if shape == name else float(shape.endswith(side))
                    total += share * weight * (carry @ shapes[shape][:_FACE_VERTICES])
            moves[au] = _together(total * unit)
    return Displacements(places, left=halves["_L"], right=halves["_R"])


def _carriers(assets: Assets, places: Floats) -> Floats:
    """Returns shares (478, V) of the face's vertices that carry each point.

    Points of a lip are carried by that lip alone: where lips touch, the nearest vertex may be the
    other one's.
    """
    neutral = assets.neutral[:_FACE_VERTICES].astype(np.float64)
    drop = assets.actions["jawOpen"][:_FACE_VERTICES, 1]
    is_lower = drop < _LOWER_SHARE * drop.min()
    front = neutral[:, 2] > _FRONT_Z_CM
    shares = np.zeros((len(places), _FACE_VERTICES))
    groups = (
        (_UPPER_LIP, front & ~is_lower),
        (_LOWER_LIP, front & is_lower),
        (tuple(set(range(len(places))) - {*_UPPER_LIP, *_LOWER_LIP, *IRISES}), front),
    )
    for points, allowed in groups:
        rows = np.flatnonzero(allowed)
        gaps, near = cKDTree(neutral[rows, :2]).query(places[list(points)], k=_NEAREST)
        weights = 1 / (gaps + _NEAR_CM) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        for point, row, weight in zip(points, rows[near], weights, strict=True):
            shares[point, row] = weight
    return shares


def _together(moves: Floats) -> Floats:
    """Returns moves in which closed lips stay closed, and the two edges of a brow go as one."""
    joined: Floats = moves.copy()
    for pair in (*_TOUCHING, *_BROW_EDGES):
        joined[list(pair)] = moves[list(pair)].mean(axis=0)
    return joined
