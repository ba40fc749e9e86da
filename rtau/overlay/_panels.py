"""AU panels (a bar per label) and chips (the active labels alone), as sprites, for any labels.

Active labels differ from the others by a mark, font weight, bar height and brightness, not by
colour alone. `_layout.py` decides where they are drawn.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.facs import name_beside
from rtau.overlay import text
from rtau.overlay.palette import (
    ACTIVE,
    BAR_BACKGROUND,
    BAR_INACTIVE,
    GREY_TEXT,
    INK,
    ROW_ACTIVE,
    WHITE,
    Colour,
)
from rtau.overlay.sprite import Sprite, plate, rounded, tint, write

# A panel's background: the frame stays faintly visible behind it, text stays clear.
_OPACITY = 0.85
# At most this many chips per face: more would hide its surroundings.
_MOST_CHIPS = 6
# The chip, or the title of the panel, of a face on which no label is active.
NOTHING = "no AU active"


@dataclasses.dataclass(frozen=True, slots=True)
class PanelSpec:
    """What stays the same for a panel from frame to frame; the key of the caches."""

    labels: tuple[str, ...]
    """One row each."""
    thresholds: tuple[float, ...]
    """Position of each row's tick in [0, 1]; 0 draws none."""
    row_px: int
    """Height of a row, px."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Grid:
    """Columns of a panel, px from its left edge, its first row, px from the top, and its size."""

    pad: int
    first_y: int
    code_x: int
    words_x: int
    bar_x: int
    bar_width: int
    number_right: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Templates:
    """A panel without numbers, its bars all empty or all full, its rows all inactive or all active.

    Indexed by `active`; uint8 (h, w, 3). A bar of any length is the left part of the full one.
    """

    empty: tuple[Image, Image]
    full: tuple[Image, Image]
    inverse_alpha: Image


def percent(probability: float) -> str:
    """Returns a probability as people read it: `87%`."""
    return f"{_percent(probability)}%"


def _percent(probability: float) -> int:
    return round(100 * min(max(probability, 0.0), 1.0))


def panel_size(spec: PanelSpec) -> tuple[int, int]:
    """Returns width and height of a panel, px."""
    grid = _grid(spec)
    return grid.width, grid.height


def panel(
    spec: PanelSpec, *, probabilities: Sequence[float], active: Sequence[bool], colour: Colour
) -> tuple[Sprite, ...]:
    """Returns the panel of one face as sprites from top to bottom: bar, number, tick per label.

    Its title says how many labels are active. One sprite per row, since most rows are unchanged
    from frame to frame and so are cached. The panel's left edge has `colour`, the track's.
    """
    rows = (
        _row(spec, row, colour, percent=_percent(probability), is_active=bool(is_active))
        for row, (probability, is_active) in enumerate(zip(probabilities, active, strict=True))
    )
    grid = _grid(spec)
    return (
        _end(spec, colour, top=0),
        _title(spec, colour, count=sum(map(bool, active))),
        *rows,
        _end(spec, colour, top=grid.height - grid.pad),
    )


# A row has 101 lengths, active or not, of which a label takes a few for a while. The full cache has
# 12 MB for frames of 1280x720 and grows with their size.
@functools.lru_cache(maxsize=256)
def _row(spec: PanelSpec, row: int, colour: Colour, *, percent: int, is_active: bool) -> Sprite:
    """Returns one row of a panel, its bar filled to `percent`."""
    grid, templates = _grid(spec), _templates(spec)
    top = grid.first_y + row * spec.row_px
    rows = slice(top, top + spec.row_px)
    bgr = templates.empty[is_active][rows].copy()
    bar = slice(grid.bar_x, grid.bar_x + round(grid.bar_width * percent / 100))
    bgr[:, bar] = templates.full[is_active][rows, bar]
    number = _number(f"{percent}%", spec.row_px, bold=is_active)
    height, width = number.shape[:2]
    low = (spec.row_px - height) // 2
    place = bgr[low : low + height, grid.number_right - width : grid.number_right]
    cv2.max(place, number, dst=place)
    _draw_edge(bgr, spec, colour, top=top)
    return Sprite(bgr, templates.inverse_alpha[rows])


@functools.lru_cache(maxsize=128)
def _title(spec: PanelSpec, colour: Colour, *, count: int) -> Sprite:
    """Returns the row above the first label: how many are active."""
    grid, templates = _grid(spec), _templates(spec)
    rows = slice(grid.pad, grid.first_y)
    drawn = Sprite(templates.empty[False][rows].copy(), templates.inverse_alpha[rows].copy())
    words = f"{count} of {len(spec.labels)} active" if count else NOTHING
    alpha = _clipped(text.strip(words, _cap_of(spec.row_px)), spec.row_px)
    y = (spec.row_px - alpha.shape[0]) // 2
    write(drawn, alpha, x=grid.code_x, y=y, colour=GREY_TEXT if count else WHITE)
    _draw_edge(drawn.bgr, spec, colour, top=grid.pad)
    return drawn


@functools.lru_cache(maxsize=128)
def _end(spec: PanelSpec, colour: Colour, *, top: int) -> Sprite:
    """Returns the border above the first row of a panel, or below the last."""
    templates = _templates(spec)
    rows = slice(top, top + _grid(spec).pad)
    bgr = templates.empty[False][rows].copy()
    _draw_edge(bgr, spec, colour, top=top)
    return Sprite(bgr, templates.inverse_alpha[rows])


def _draw_edge(bgr: Image, spec: PanelSpec, colour: Colour, *, top: int) -> None:
    """Draws the coloured edge on the part of a panel that begins `top` px below its top."""
    radius, height = _radius(spec.row_px), _grid(spec).height
    low, high = max(radius - top, 0), max(height - radius - top, 0)
    bgr[low:high, : max(2, spec.row_px // 7)] = colour


def _with_bars(bgr: Image, spec: PanelSpec, *, full: bool, bright: bool) -> Image:
    """Returns a copy of a panel with a bar in every row, all empty or all full."""
    grid = _grid(spec)
    drawn: Image = bgr.copy()
    for row, threshold in enumerate(spec.thresholds):
        top = grid.first_y + row * spec.row_px
        bar = drawn[top : top + spec.row_px, grid.bar_x : grid.bar_x + grid.bar_width]
        _draw_bar(bar, full=full, threshold=threshold, bright=bright)
    return drawn


def _draw_bar(bar: Image, *, full: bool, threshold: float, bright: bool) -> None:
    """Draws one bar over the width of `bar`: thick and bright, or a thin line."""
    height, width = bar.shape[:2]
    middle, half = height // 2, max(2, round(height * (0.27 if bright else 0.13)))
    filling = ACTIVE if bright else BAR_INACTIVE
    bar[middle - half : middle + half] = filling if full else BAR_BACKGROUND
    if threshold > 0:
        tick, reach = max(1, round(height / 14)), max(3, round(height * 0.36))
        x = min(round(width * threshold), width - tick)
        bar[middle - reach : middle + reach, x : x + tick] = WHITE


@functools.lru_cache(maxsize=16)
def _grid(spec: PanelSpec) -> _Grid:
    row, cap = spec.row_px, _cap_of(spec.row_px)
    # Even, like the width: a chroma sample covers 2 x 2 pixels.
    pad, gap = max(4, row // 6 * 2), max(5, row // 2)
    codes = max(text.width_px(label, cap, bold=True) for label in spec.labels)
    words = max((text.width_px(name, cap) for name in _names(spec) if name), default=0)
    code_x = pad + row
    words_x = code_x + codes + gap
    bar_x = words_x + (words + gap if words else 0)
    bar_width = row * 5
    number_right = bar_x + bar_width + gap // 2 + text.width_px("100%", cap, bold=True)
    return _Grid(
        pad, pad + row, code_x, words_x, bar_x, bar_width, number_right,
        width=(number_right + gap // 2 + pad + 1) // 2 * 2,
        height=row * (len(spec.labels) + 1) + 2 * pad,
    )  # fmt: skip


@functools.lru_cache(maxsize=16)
def _templates(spec: PanelSpec) -> _Templates:
    """Returns the part of a panel that is the same in every frame."""
    inactive, active = _plates(spec)

    def drawn(*, full: bool) -> tuple[Image, Image]:
        return (
            _with_bars(inactive.bgr, spec, full=full, bright=False),
            _with_bars(active.bgr, spec, full=full, bright=True),
        )

    return _Templates(drawn(full=False), drawn(full=True), inactive.inverse_alpha)


def _plates(spec: PanelSpec) -> tuple[Sprite, Sprite]:
    """Returns the panel without bars and numbers, all rows inactive and all rows active."""
    grid, row, cap = _grid(spec), spec.row_px, _cap_of(spec.row_px)
    inactive, active = (
        plate(grid.width, grid.height, radius=_radius(row), colour=INK, opacity=_OPACITY)
        for _ in range(2)
    )
    band = rounded(grid.width - grid.pad, row, radius=max(2, row // 4))
    mark = dot(max(5, round(row * 0.44)))
    for index, (label, name) in enumerate(zip(spec.labels, _names(spec), strict=True)):
        top = grid.first_y + index * row
        y = top + (row - text.line_height(cap)) // 2
        write(active, band, x=grid.pad // 2, y=top, colour=ROW_ACTIVE)
        mark_x = (grid.code_x + grid.pad // 2 - mark.shape[1]) // 2
        write(active, mark, x=mark_x, y=top + (row - mark.shape[0]) // 2, colour=ACTIVE)
        for sprite, colour in ((inactive, GREY_TEXT), (active, WHITE)):
            code = text.strip(label, cap, bold=sprite is active)
            write(sprite, code, x=grid.code_x, y=y, colour=colour)
            if name:
                write(sprite, text.strip(name, cap), x=grid.words_x, y=y, colour=colour)
    return inactive, active


@functools.lru_cache(maxsize=1024)
def _number(shown: str, row_px: int, *, bold: bool) -> Image:
    alpha = _clipped(text.strip(shown, _cap_of(row_px), bold=bold), row_px)
    return tint(alpha, WHITE if bold else GREY_TEXT)


def _clipped(alpha: Image, row_px: int) -> Image:
    """Returns the middle of a line of text: small rows are lower than one."""
    excess = max(0, alpha.shape[0] - row_px)
    return alpha[excess // 2 : alpha.shape[0] - (excess - excess // 2)]


def _names(spec: PanelSpec) -> list[str]:
    """Returns the words beside each label, empty if the label is a word itself."""
    return [name_beside(label) for label in spec.labels]


def _radius(row_px: int) -> int:
    return max(4, row_px // 2)


def _cap_of(row_px: int) -> int:
    return max(6, round(row_px * 0.53))


@functools.lru_cache(maxsize=64)
def dot(diameter: int) -> Image:
    """Returns the alpha of the mark of an active label, a round dot: uint8."""
    return rounded(diameter, diameter, radius=diameter)


def chips(
    labels: Sequence[str],
    probabilities: npt.NDArray[np.float32],
    active: npt.NDArray[np.bool_],
    *,
    colour: Colour,
    cap_px: int,
    max_width: int,
    with_words: bool = False,
) -> Sprite:
    """Returns one chip per active label, in a grid at most `max_width` px wide.

    Without any, one chip says so. Chips have the label's name where `with_words` is True. If too
    many labels are active, the most probable are shown and the last chip counts the others.
    Each chip has a dot in `colour`, the track's.
    """
    rows = np.flatnonzero(active)
    if not len(rows):
        return _chip(NOTHING, "", cap_px=cap_px, colour=colour)
    shown = rows
    if len(rows) > _MOST_CHIPS:
        best = np.argsort(-probabilities[rows], kind="stable")[: _MOST_CHIPS - 1]
        shown = rows[np.sort(best)]
    sprites = [
        _chip(
            f"{labels[row]} {name_beside(labels[row]) if with_words else ''}".rstrip(),
            percent(float(probabilities[row])),
            cap_px=cap_px,
            colour=colour,
        )
        for row in shown.tolist()
    ]
    if len(shown) < len(rows):
        sprites.append(_chip(f"+{len(rows) - len(shown)}", "", cap_px=cap_px, colour=colour))
    return _in_grid(sprites, gap=max(2, cap_px // 3), max_width=max_width)


def _in_grid(sprites: Sequence[Sprite], *, gap: int, max_width: int) -> Sprite:
    cell_w, cell_h = max(sprite.width for sprite in sprites), sprites[0].height
    columns = min(len(sprites), max(1, (max_width + gap) // (cell_w + gap)))
    rows = -(-len(sprites) // columns)
    size = (rows * (cell_h + gap) - gap, columns * (cell_w + gap) - gap, 3)
    whole = Sprite(np.zeros(size, np.uint8), np.full(size, 255, np.uint8))
    for index, sprite in enumerate(sprites):
        y, x = (index // columns) * (cell_h + gap), (index % columns) * (cell_w + gap)
        whole.bgr[y : y + cell_h, x : x + sprite.width] = sprite.bgr
        whole.inverse_alpha[y : y + cell_h, x : x + sprite.width] = sprite.inverse_alpha
    return whole


@functools.lru_cache(maxsize=2048)
def _chip(label: str, shown: str, *, cap_px: int, colour: Colour) -> Sprite:
    name, number = text.strip(label, cap_px, bold=True), text.strip(shown, cap_px)
    mark, pad = dot(max(4, round(cap_px * 0.9))), max(3, round(cap_px * 0.6))
    height = text.line_height(cap_px)
    # A fixed width for the number: chips do not change their size with it.
    room = text.width_px("100%", cap_px) if shown else 0
    width = pad + mark.shape[1] + pad + name.shape[1] + pad + room + pad
    drawn = plate(width, height, radius=height // 2, colour=INK, opacity=0.88)
    write(drawn, mark, x=pad, y=(height - mark.shape[0]) // 2, colour=colour)
    write(drawn, name, x=pad + mark.shape[1] + pad, y=0, colour=WHITE)
    write(drawn, number, x=width - pad - number.shape[1], y=0, colour=WHITE)
    return drawn
