"""Positions of panels and chips: beside their faces, inside the frame, without overlaps.

Works on rectangles alone: int32 (x0, y0, x1, y1), half-open, px. `_layout.py` chooses the sizes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rects = npt.NDArray[np.int32]
Box = Sequence[int]

# Spots around a face, best first: (side, alignment along that side).
_BESIDE = tuple(
    (side, along) for along in (0.0, 0.5, 1.0, 0.25, 0.75) for side in ("right", "left")
)
_STACKED = tuple((side, along) for side in ("below", "above") for along in (0.5, 0.0, 1.0))
_SPOTS = (*_BESIDE, *_STACKED)
_PANEL_ORDER = tuple(range(len(_SPOTS)))
# Chips are wide and low: under the face first, above it last.
_CHIP_ORDER = (
    *range(len(_BESIDE), len(_BESIDE) + 3), *range(len(_BESIDE)),
    *range(len(_BESIDE) + 3, len(_SPOTS)),
)  # fmt: skip
# Attempts per frame; in each, the face that found no free spot in the last one chooses first.
_ATTEMPTS = 6
# What is in place may cover this much of its own face's block, of its width or height, before it
# moves: a face that sways before a panel as wide as the room beside it would send it to and fro.
_MAY_COVER = 0.1
# Where none is free, the spot of the last frame is kept unless it covers this much more.
_BETTER = 1.5


@dataclasses.dataclass(frozen=True, slots=True)
class Area:
    """The part of the frame that may be drawn on."""

    width: int
    height: int
    top: int = 0
    """Rows reserved for a header, px."""
    margin: int = 4
    """Distance to the frame's edges and between rectangles, px."""


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be placed beside one face."""

    size: tuple[int, int]
    """Width and height, px; 0, 0 for nothing."""
    is_chips: bool = False
    """True for chips, which are placed under the face if possible."""
    preferred_spot: int | None = None
    """The spot it had last, tried first."""
    is_in_place: bool = False
    """True where it has been there, in this size, since the last frame."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """The rectangles chosen for the candidates of a frame."""

    rects: Rects
    """int32 (N, 4)."""
    spots: tuple[int, ...]
    """The spot of each; `Candidate.preferred_spot` in the next frame."""
    fits: bool
    """True when no rectangle overlaps a face or another rectangle."""


def follow(
    last: npt.NDArray[np.int32], wanted: npt.NDArray[np.int32], *, slack: int
) -> npt.NDArray[np.int32]:
    """Returns the last rectangle, moved just enough to be within `slack` px of the wanted one.

    A panel does not move with the jitter of its face's box: text that moves is hard to read.
    """
    x0, y0, x1, y1 = wanted.tolist()
    last_x, last_y = last[:2].tolist()
    x = min(max(last_x, x0 - slack), x0 + slack)
    y = min(max(last_y, y0 - slack), y0 + slack)
    return np.array([x, y, x + x1 - x0, y + y1 - y0], np.int32)


def core(face: Box, /) -> Box:
    """Returns the part of a face's block that what is in place beside it must leave free."""
    x0, y0, x1, y1 = face
    across, down = round(_MAY_COVER * (x1 - x0)), round(_MAY_COVER * (y1 - y0))
    return x0 + across, y0 + down, x1 - across, y1 - down


def is_free(rect: Box, others: Sequence[Box], *, area: Area) -> bool:
    """Returns True when a rectangle lies inside the area and overlaps none of the others.

    For one rectangle, plain integers are ten times as fast as arrays.
    """
    x0, y0, x1, y1 = rect
    if max(min(x0, area.width - x1 + x0), 0) != x0:
        return False
    if max(min(y0, area.height - y1 + y0), area.top) != y0:
        return False
    for left, top, right, bottom in others:
        if x0 < right and left < x1 and y0 < bottom and top < y1 and left < right and top < bottom:
            return False
    return True


def place(faces: Rects, candidates: Sequence[Candidate], *, area: Area) -> Positions:
    """Returns a position for each face's candidate.

    Each takes the first free spot around its face. If none is free, it takes the spot that covers
    least of the others, and `fits` is False.
    """
    order = list(range(len(faces)))
    for _ in range(_ATTEMPTS):
        positions, stuck = _place_in_order(faces, candidates, order=order, area=area)
        if stuck is None or stuck == order[0]:
            break
        order.remove(stuck)
        order.insert(0, stuck)
    return positions


def _place_in_order(
    faces: Rects, candidates: Sequence[Candidate], *, order: Sequence[int], area: Area
) -> tuple[Positions, int | None]:
    """Returns positions when faces choose in an order, and the first row without a free spot."""
    boxes: list[list[int]] = faces.tolist()
    placed: list[Box] = []
    rects = np.zeros((len(faces), 4), np.int32)
    spots = [0] * len(faces)
    stuck = None
    for row in order:
        candidate = candidates[row]
        if min(candidate.size) == 0:
            continue
        others = [*boxes[:row], *boxes[row + 1 :], *placed]
        chosen, spots[row], free = _choose(boxes[row], candidate, others, area=area)
        rects[row] = chosen
        placed.append(chosen)
        if not free and stuck is None:
            stuck = row
    return Positions(rects=rects, spots=tuple(spots), fits=stuck is None), stuck


def _rect_at(face: Box, size: tuple[int, int], spot: int, *, area: Area) -> Box:
    """Returns the rectangle of a spot, moved along its side into the frame: x0, y0, x1, y1."""
    x0, y0, x1, y1 = face
    width, height = size
    side, along = _SPOTS[spot]
    if side in ("right", "left"):
        x = x1 + area.margin if side == "right" else x0 - area.margin - width
        first, last = area.top + area.margin, area.height - area.margin - height
        y = min(max(round(y0 + along * (y1 - y0 - height)), first), max(last, first))
    else:
        y = y1 + area.margin if side == "below" else y0 - area.margin - height
        first, last = area.margin, area.width - area.margin - width
        x = min(max(round(x0 + along * (x1 - x0 - width)), first), max(last, first))
    return x, y, x + width, y + height


def _choose(
    face: Box, candidate: Candidate, others: Sequence[Box], *, area: Area
) -> tuple[Box, int, bool]:
    """Returns rectangle and spot, and whether it is free; if not, the one that covers least.

    The spot of the last frame is nearly always still free, so spots are tried one by one.
    """
    order, taken = _CHIP_ORDER if candidate.is_chips else _PANEL_ORDER, [face, *others]
    if candidate.preferred_spot is not None:
        order = (candidate.preferred_spot, *order)
        rect = _rect_at(face, candidate.size, order[0], area=area)
        kept: Box = _moved_inside(np.array([rect], np.int32), area)[0].tolist()
        if candidate.is_in_place and is_free(kept, [core(face), *others], area=area):
            return kept, order[0], True
    for spot in order:
        rect = _rect_at(face, candidate.size, spot, area=area)
        if is_free(rect, taken, area=area):
            return rect, spot, True
    rects = [_rect_at(face, candidate.size, spot, area=area) for spot in _PANEL_ORDER]
    inside = _moved_inside(np.array(rects, np.int32), area)
    covered = _covered(inside, np.array(taken, np.int32)).tolist()
    spot = min(order, key=lambda one: covered[one])
    last = candidate.preferred_spot
    if last is not None and covered[last] <= _BETTER * covered[spot]:
        spot = last  # or a panel without a free spot would jump from side to side
    return inside[spot].tolist(), spot, False


def _covered(rects: Rects, others: Rects) -> npt.NDArray[np.int64]:
    """Returns the area each rectangle shares with all the others, px^2: int64 (N,)."""
    low = np.maximum(rects[:, None, :2], others[None, :, :2])
    high = np.minimum(rects[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(high - low, 0).astype(np.int64)
    return np.asarray((sides[..., 0] * sides[..., 1]).sum(axis=1), dtype=np.int64)


def _moved_inside(rects: Rects, area: Area) -> Rects:
    """Returns the rectangles moved into the area; of a larger one the top left corner is inside."""
    size = rects[:, 2:] - rects[:, :2]
    highest = np.array([area.width, area.height], np.int32) - size
    low = np.maximum(np.minimum(rects[:, :2], highest), np.array([0, area.top], np.int32))
    return np.concatenate([low, low + size], axis=1)
