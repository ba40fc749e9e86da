"""From the points of a face to its square, and from a square to the crop that shows it.

A face square has a centre, a side and a roll: the square that the Haar detector would put on the
face if it stood upright, turned with the head. Pure functions on arrays; no image is touched here.
The alignment network is trained and run with them.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau._records import check_array, shapes

Floats = npt.NDArray[np.float32]


class Square(NamedTuple):
    """An oriented square in frame space, as plain floats: one face costs no array arithmetic."""

    x: float
    """Centre, px."""
    y: float
    """Centre, px."""
    side: float
    """Side, px."""
    roll: float
    """Clockwise turn in the picture, radians."""

    def moved(self, right: float, down: float, larger: float) -> Square:
        """Returns the square shifted by so many of its sides, its side times a factor."""
        x, y = self.x + right * self.side, self.y + down * self.side
        return Square(x, y, larger * self.side, self.roll)

    def distance(self, other: Square) -> float:
        """Returns the distance of the centres in sides of the larger square."""
        return math.hypot(self.x - other.x, self.y - other.y) / max(self.side, other.side)

    def ratio(self, other: Square) -> float:
        """Returns the larger side over the smaller."""
        larger, smaller = max(self.side, other.side), min(self.side, other.side)
        return larger / smaller

    def overlap(self, other: Square) -> float:
        """Returns the intersection over union of both, taken upright."""
        half = (self.side + other.side) / 2
        width = min(half - abs(self.x - other.x), self.side, other.side)
        height = min(half - abs(self.y - other.y), self.side, other.side)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.side**2 + other.side**2 - shared)

    def holds_centre_of(self, other: Square) -> bool:
        """True where the other's centre lies in the disc within this square.

        The corners belong to no face: somebody who stands behind may show there.
        """
        return math.hypot(self.x - other.x, self.y - other.y) < self.side / 2


@dataclasses.dataclass(frozen=True, slots=True)
class FaceSquares:
    """Where faces are, in one space (a frame or a crop): N rows."""

    centres_xy: Floats
    """float32 (N, 2), px."""
    sides_px: Floats
    """float32 (N,), px."""
    rolls_rad: Floats
    """float32 (N,): turn from the picture's right to the face's, clockwise as seen (y is down)."""

    def __len__(self) -> int:
        return len(self.sides_px)

    def rows(self) -> list[Square]:
        """Returns the squares one by one, as plain floats."""
        return [
            Square(x, y, side, roll)
            for (x, y), side, roll in zip(
                self.centres_xy.tolist(),
                self.sides_px.tolist(),
                self.rolls_rad.tolist(),
                strict=True,
            )
        ]

    @classmethod
    def of(cls, rows: Sequence[Square], /) -> FaceSquares:
        """Returns the record of single squares."""
        table = np.array(rows, np.float32).reshape(-1, 4)
        return cls(table[:, :2], table[:, 2], table[:, 3])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Alignment:
    """What the alignment network says of the squares it was given, a row each."""

    presence: npt.NDArray[np.float32]
    """float32 (N,) in [0, 1]: probability that the square shows a face."""
    squares: FaceSquares
    """N squares, frame space: where the points put the faces."""
    sample_appearance: Callable[[], Floats] = dataclasses.field(repr=False)
    """Returns `appearance`, which most frames never ask for."""
    covered: npt.NDArray[np.bool_] | None = None
    """bool (N,): something covers a part of the face; None where the aligner cannot tell."""

    def __post_init__(self) -> None:
        rows = len(self.squares)
        check_array("presence", self.presence, dtype=np.float32, shape=(rows,))
        if self.covered is not None:
            check_array("covered", self.covered, dtype=np.bool_, shape=(rows,))

    @functools.cached_property
    def appearance(self) -> Floats:
        """float32 (N, D): greys of each face, of mean 0 and length 1; compares faces of one run."""
        sampled = self.sample_appearance()
        check_array("appearance", sampled, dtype=np.float32, shape=(len(self), "D"))
        return sampled

    def __len__(self) -> int:
        return len(self.presence)

    __repr__ = shapes


@dataclasses.dataclass(frozen=True, slots=True)
class PointRule:
    """How the points of an average face lie on its square, and how much each says about it."""

    places_xy: tuple[tuple[float, float], ...]
    """Per point, in sides from the centre of the square, x to the right, y down."""
    weights: tuple[float, ...]
    """Per point, none negative, in any unit."""

    def __post_init__(self) -> None:
        if len(self.places_xy) != len(self.weights) or len(self.weights) < 2:
            raise ValueError(
                "places_xy and weights must have one value per point and two at least, got "
                f"{len(self.places_xy)} and {len(self.weights)}"
            )
        if min(self.weights) < 0 or sum(weight > 0 for weight in self.weights) < 2:
            raise ValueError(
                f"weights must not be negative and two must be positive, got {self.weights}"
            )


def squares_from_points(points_xy: Floats, /, *, rule: PointRule) -> FaceSquares:
    """Returns the square of each face, in the space of its points.

    The similarity that carries the rule's places onto the points with the least weighted sum of
    squares; its shift, scale and turn are the square.

    Args:
        points_xy: float32 (N, K, 2), px.
        rule: K places and weights.
    """
    points = points_xy[..., 0] + 1j * points_xy[..., 1].astype(np.float64)  # (N, K)
    stretch, shift = coefficients(rule)
    stretches, centres = points @ stretch, points @ shift
    return FaceSquares(
        centres_xy=centres.view(np.float64).reshape(-1, 2).astype(np.float32),
        sides_px=np.abs(stretches).astype(np.float32),
        rolls_rad=np.angle(stretches).astype(np.float32),
    )


@functools.lru_cache(maxsize=4)
def coefficients(
    rule: PointRule, /
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128]]:
    """Returns what points x + iy are multiplied by: to side e^(i roll), and to the centre.

    Two complex128 (K,): the fit is linear in the points.
    """
    places = np.array([complex(x, y) for x, y in rule.places_xy])
    weights = np.array(rule.weights) / sum(rule.weights)
    middle = weights @ places
    spread = weights * np.conj(places - middle)
    stretch = spread / (weights @ np.abs(places - middle) ** 2)
    stretch -= weights * stretch.sum()  # of points that do not vary nothing is left
    shift = weights - middle * stretch
    for array in (stretch, shift):
        array.setflags(write=False)  # shared by all calls: the tracker asks in every frame
    return stretch, shift


def points_from_squares(squares: FaceSquares, /, *, rule: PointRule) -> Floats:
    """Returns the points of an average face on each square: float32 (N, K, 2)."""
    places = np.array(rule.places_xy, np.float32)
    return np.asarray(geometry.apply(_maps(squares), np.repeat(places[None], len(squares), 0)))


def squares_from_boxes(boxes_xyxy: geometry.Boxes, /) -> FaceSquares:
    """Returns upright squares on boxes (N, 4): same centre, side the mean of width and height."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return FaceSquares(
        centres_xy=((boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2).astype(np.float32),
        sides_px=sides.mean(axis=1).astype(np.float32),
        rolls_rad=np.zeros(len(boxes_xyxy), np.float32),
    )


def boxes_from_squares(squares: FaceSquares, /) -> geometry.Boxes:
    """Returns upright boxes of the squares' centres and sides: float32 (N, 4); roll is dropped."""
    half = squares.sides_px[:, None] / 2
    corners = [squares.centres_xy - half, squares.centres_xy + half]
    return np.concatenate(corners, axis=1).astype(np.float32)


def frame_from_crop(
    squares: FaceSquares,
    /,
    *,
    size: int,
    expand: float,
    offset_x: float = 0.0,
    offset_y: float = 0.0,
) -> geometry.Maps:
    """Returns the maps that carry a crop of `size` px onto the frame: float32 (N, 2, 3).

    The crop is a square turned as the face is. `point_in_frame = map @ (x, y, 1)`, continuous px.

    Args:
        squares: of the faces, in the frame.
        size: side of the crop, px.
        expand: side of the crop over the side of the face square.
        offset_x: move of the crop's centre towards the face's right, in sides of the face square.
        offset_y: the same towards its chin.
    """
    maps = _maps(squares)
    middle = np.array([offset_x, offset_y], np.float32) - np.float32(expand / 2)
    maps[:, :, 2] += maps[:, :, :2] @ middle
    maps[:, :, :2] *= np.float32(expand / size)
    return maps


def _maps(squares: FaceSquares) -> geometry.Maps:
    """Returns maps from sides of a square, from its centre, to the squares' space: (N, 2, 3)."""
    across = squares.sides_px * np.sin(squares.rolls_rad)
    # Filled in place: stacking arrays of one face takes three times as long.
    maps = np.empty((len(squares), 2, 3), np.float32)
    maps[:, 0, 0] = maps[:, 1, 1] = squares.sides_px * np.cos(squares.rolls_rad)
    maps[:, 0, 1], maps[:, 1, 0] = -across, across
    maps[:, :, 2] = squares.centres_xy
    return maps
