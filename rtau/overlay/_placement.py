"""Where panels, chips and tags go: beside faces, inside the frame, off each other.

Rectangles only, int (x0, y0, x1, y1), half-open, px; nothing is drawn. compose.py calls it with
the sizes of what it wants to lay and gets positions back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rects = npt.NDArray[np.int32]
Box = Sequence[int]

# The places around a face, best first: (side, alignment along that side).
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
# Attempts at placing all things of a frame; each lets one that found no room choose first.
_ATTEMPTS = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Area:
    """The part of the frame that may be drawn on."""

    width: int
    height: int
    top: int = 0
    """Rows reserved for a header, px."""
    margin: int = 4
    """Distance kept from the edges and between things, px."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What one face would have beside it."""

    size: tuple[int, int]
    """Width and height, px; 0, 0 for nothing."""
    is_low: bool = False
    """True for chips: wider than high, they look best under the face."""
    prefer: int | None = None
    """The spot it had on the last frame: tried before all others."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Positions of one thing per face."""

    rects: Rects
    """int32 (N, 4)."""
    spots: tuple[int, ...]
    """Which place around its face each took; given back as `prefer` on the next frame."""
    fits: bool
    """True when nothing overlaps a face or another thing."""


def follow(
    last: npt.NDArray[np.int32], wanted: npt.NDArray[np.int32], *, slack: int
) -> npt.NDArray[np.int32]:
    """Returns the last rectangle, moved just enough to lie within `slack` px of the wanted one.

    A panel beside a face that trembles stays still, and text that stays still can be read.
    """
    x0, y0, x1, y1 = wanted.tolist()
    last_x, last_y = last[:2].tolist()
    x = min(max(last_x, x0 - slack), x0 + slack)
    y = min(max(last_y, y0 - slack), y0 + slack)
    return np.array([x, y, x + x1 - x0, y + y1 - y0], np.int32)


def is_free(rect: npt.NDArray[np.int32], others: Rects, *, area: Area) -> bool:
    """Returns True when the rectangle lies inside the area and touches none of the others."""
    return _stands_free(rect.tolist(), others.tolist(), area)


def place(faces: Rects, wishes: Sequence[Wish], *, area: Area) -> Placement:
    """Returns a position per face for the things wished beside them.

    Each takes the first free place around its face. Where none is free, it takes the place that
    hides least and `fits` is False.
    """
    turns = list(range(len(faces)))
    for _ in range(_ATTEMPTS):
        placement, stuck = _place_in_turn(faces, wishes, turns=turns, area=area)
        if stuck is None or stuck == turns[0]:
            break
        turns.remove(stuck)
        turns.insert(0, stuck)
    return placement


def _place_in_turn(
    faces: Rects, wishes: Sequence[Wish], *, turns: Sequence[int], area: Area
) -> tuple[Placement, int | None]:
    """Returns positions found by letting rows choose in turn, and the first that had no room."""
    boxes: list[list[int]] = faces.tolist()
    taken: list[Box] = [*boxes]
    rects = np.zeros((len(faces), 4), np.int32)
    spots = [0] * len(faces)
    stuck = None
    for row in turns:
        wish = wishes[row]
        if min(wish.size) == 0:
            continue
        chosen, spots[row], free = _choose(boxes[row], wish, taken, area=area)
        rects[row] = chosen
        taken.append(chosen)
        if not free and stuck is None:
            stuck = row
    return Placement(rects=rects, spots=tuple(spots), fits=stuck is None), stuck


def _candidate(face: Box, size: tuple[int, int], spot: int, *, area: Area) -> Box:
    """Returns the rectangle of a spot, slid along its side into the frame: x0, y0, x1, y1."""
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


def _choose(face: Box, wish: Wish, taken: Sequence[Box], *, area: Area) -> tuple[Box, int, bool]:
    """Returns the first free candidate, or the one that hides least, pushed into the frame.

    The spot of the last frame is nearly always free still, so they are tried one by one.
    """
    order = _CHIP_ORDER if wish.is_low else _PANEL_ORDER
    if wish.prefer is not None:
        order = (wish.prefer, *order)
    for spot in order:
        rect = _candidate(face, wish.size, spot, area=area)
        if _stands_free(rect, taken, area):
            return rect, spot, True
    candidates = [_candidate(face, wish.size, spot, area=area) for spot in _PANEL_ORDER]
    inside = _pushed_inside(np.array(candidates, np.int32), area)
    hidden = _hidden(inside, np.array(taken, np.int32)).tolist()
    spot = min(order, key=lambda candidate: hidden[candidate])
    return inside[spot].tolist(), spot, False


def _stands_free(rect: Box, others: Sequence[Box], area: Area) -> bool:
    """Returns True when a rectangle needs no push and touches none of the others.

    In plain integers: for one rectangle that is ten times as fast as in arrays.
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


def _hidden(rects: Rects, others: Rects) -> npt.NDArray[np.int64]:
    """Returns the area each rectangle shares with all the others, px^2: int64 (N,)."""
    low = np.maximum(rects[:, None, :2], others[None, :, :2])
    high = np.minimum(rects[:, None, 2:], others[None, :, 2:])
    sides = np.maximum(high - low, 0).astype(np.int64)
    return np.asarray((sides[..., 0] * sides[..., 1]).sum(axis=1), dtype=np.int64)


def _pushed_inside(rects: Rects, area: Area) -> Rects:
    """Returns the rectangles moved into the area; one larger than it keeps its top left in."""
    size = rects[:, 2:] - rects[:, :2]
    highest = np.array([area.width, area.height], np.int32) - size
    low = np.maximum(np.minimum(rects[:, :2], highest), np.array([0, area.top], np.int32))
    return np.concatenate([low, low + size], axis=1)
