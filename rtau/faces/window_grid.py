"""Squares on a coarse grid over a frame, for alignment to look at where the cascade proposes none.

Alignment finds a face from a square that lies a third of a side beside it, is 1.4 times as large or
is tilted by 45 degrees against it, so few squares cover a frame. Pure; `FaceSearch` calls it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from rtau.faces.association import NESTED_RATIO
from rtau.geometry import Boxes
from rtau.squares import Square

# Side of each size over the one before.
RATIO = 2.0
# Distance of neighbours, in sides.
STRIDE_SIDES = 0.8
# More would take a second: small faces in a large frame, or in a strip, are left to the cascade.
MOST_WINDOWS = 2000


@functools.lru_cache(maxsize=8)
def window_grid(width: int, height: int, /, *, first_px: float) -> tuple[Square, ...]:
    """Returns upright squares over a whole frame, the smallest first, each size row by row.

    Args:
        width: of the frame, px.
        height: of the frame, px.
        first_px: side of the smallest squares, px.
    """
    sides = [first_px]
    while sides[-1] < min(width, height):
        sides.append(RATIO * sides[-1])
    squares: list[Square] = []
    for side in reversed(sides[:-1]):
        columns, rows = (_centres(length, side=side) for length in (width, height))
        if len(squares) + len(columns) * len(rows) > MOST_WINDOWS:
            break
        squares = [Square(x, y, side, 0.0) for y in rows for x in columns] + squares
    return tuple(squares)


def _centres(length: int, /, *, side: float) -> list[float]:
    """Returns where the squares of a row lie, from edge to edge, px."""
    count = math.ceil((length - side) / (STRIDE_SIDES * side)) + 1
    return [float(x) for x in np.linspace(side / 2, length - side / 2, count)]


def in_regions(squares: Sequence[Square], regions_xyxy: Boxes, /) -> list[Square]:
    """Returns the squares whose centre lies in one of the regions, float32 (M, 4), px."""
    regions = regions_xyxy.tolist()
    return [
        square
        for square in squares
        if any(x0 <= square.x < x1 and y0 <= square.y < y1 for x0, y0, x1, y1 in regions)
    ]


def clear_of(squares: Sequence[Square], known: Sequence[Square], /) -> list[Square]:
    """Returns the squares whose centre lies on none of the known faces.

    Much larger ones stay: they may show a face in front of which a known one is small.
    """
    return [
        square
        for square in squares
        if not any(
            face.holds_centre_of(square) and square.side < NESTED_RATIO * face.side
            for face in known
        )
    ]
