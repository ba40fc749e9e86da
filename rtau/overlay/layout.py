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
    low = np.clip(last[:2], wanted[:2] - slack, wanted[:2] + slack)
    return np.concatenate([low, low + wanted[2:] - wanted[:2]]).astype(np.int32)


def is_free(rect: npt.NDArray[np.int32], others: Rects, *, area: Area) -> bool:
    """Returns True when the rectangle lies inside the area and touches none of the others."""
    one = rect[None]
    return bool((_pushed_inside(one, area) == one).all() and not _hidden(one, others).any())


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
    rects = np.zeros((len(faces), 4), np.int32)
    spots = [0] * len(faces)
    stuck = None
    for row in turns:
        wish = wishes[row]
        if min(wish.size) == 0:
            continue
        candidates = _candidates(faces[row], wish.size, area)
        order = _CHIP_ORDER if wish.is_low else _PANEL_ORDER
        if wish.prefer is not None:
            order = (wish.prefer, *order)
        others = np.concatenate([faces, rects])
        rects[row], spots[row], free = _choose(candidates, others, area=area, order=order)
        if not free and stuck is None:
            stuck = row
    return Placement(rects=rects, spots=tuple(spots), fits=stuck is None), stuck


def _candidates(face: npt.NDArray[np.int32], size: tuple[int, int], area: Area) -> Rects:
    """Returns a rectangle for each spot, slid along its side into the frame: int32 (16, 4)."""
    x0, y0, x1, y1 = (int(v) for v in face)
    width, height = size
    last_x, last_y = area.width - area.margin - width, area.height - area.margin - height
    first_y = area.top + area.margin
    sides_x = {"right": x1 + area.margin, "left": x0 - area.margin - width}
    sides_y = {"below": y1 + area.margin, "above": y0 - area.margin - height}
    corners = []
    for side, along in _SPOTS:
        if side in sides_x:
            slid = round(y0 + along * (y1 - y0 - height))
            corners.append((sides_x[side], min(max(slid, first_y), max(last_y, first_y))))
        else:
            slid = round(x0 + along * (x1 - x0 - width))
            corners.append((min(max(slid, area.margin), max(last_x, area.margin)), sides_y[side]))
    low = np.array(corners, np.int32)
    return np.concatenate([low, low + np.array([width, height], np.int32)], axis=1)


def _choose(
    candidates: Rects, others: Rects, *, area: Area, order: tuple[int, ...]
) -> tuple[npt.NDArray[np.int32], int, bool]:
    """Returns the first free candidate, or the one that hides least, pushed into the frame."""
    inside = _pushed_inside(candidates, area)
    free = (_hidden(candidates, others) == 0) & (inside == candidates).all(axis=1)
    for spot in order:
        if free[spot]:
            return candidates[spot], spot, True
    hidden = _hidden(inside, others)
    spot = min(order, key=lambda candidate: int(hidden[candidate]))
    return inside[spot], spot, False


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
