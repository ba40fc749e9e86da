"""Panels of probability bars and compact chips, as decals, for any set of labels.

Active labels differ from the others by a mark, weight, bar height and brightness, not by colour
alone. Sizes come in, decals go out; where they are laid is decided in layout.py.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.facs import words_for_label
from rtau.overlay import text
from rtau.overlay.palette import (
    ACTIVE,
    BAR_BED,
    BAR_IDLE,
    GREY_TEXT,
    INK,
    ROW_ACTIVE,
    WHITE,
    Colour,
    Decal,
    plate,
    rounded,
    tint,
    write,
)

# The backing lets a little of the frame through: the picture goes on behind it, text stays clear.
_OPACITY = 0.85
# Chips of one face at most: more would hide what is around it.
_MOST_CHIPS = 6


@dataclasses.dataclass(frozen=True, slots=True)
class PanelSpec:
    """Everything of a panel that does not change from frame to frame; the key of its cache."""

    labels: tuple[str, ...]
    """Labels, a row each."""
    thresholds: tuple[float, ...]
    """Where each row's tick stands; 0 draws none."""
    row_px: int
    """Height of a row."""
    with_words: bool
    """True to spell AU names out."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Grid:
    """Where the columns of a panel stand, px from its left edge."""

    pad: int
    code_x: int
    words_x: int
    bar_x: int
    bar_width: int
    number_right: int
    width: int
    height: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """The paint of a panel without numbers, whose bars are all empty or all full.

    A bar of any length is the left part of the full one.
    """

    empty: Image
    full: Image


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Sheets:
    """A panel's looks with all rows inactive and with all rows active."""

    idle: _Look
    lit: _Look
    keep: Image


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
) -> tuple[Decal, ...]:
    """Returns the panel of one face from top to bottom: a bar, a number and a tick per label.

    In parts, since from frame to frame most are as they were. `colour` is the track's: an edge in
    it says whose panel this is.
    """
    rows = (
        _row(spec, row, colour, percent=_percent(probability), is_active=bool(is_active))
        for row, (probability, is_active) in enumerate(zip(probabilities, active, strict=True))
    )
    grid = _grid(spec)
    return (
        _end(spec, colour, top=0),
        *rows,
        _end(spec, colour, top=grid.height - grid.pad),
    )


# A row has 101 lengths, in two looks; a label stays within a few of them for a while. All of these
# are 12 MB for a frame of 1280x720, and grow with its pixels.
@functools.lru_cache(maxsize=256)
def _row(spec: PanelSpec, row: int, colour: Colour, *, percent: int, is_active: bool) -> Decal:
    """Returns one row of a panel; `percent` says how far its bar is filled."""
    grid, sheets = _grid(spec), _sheets(spec)
    sheet = sheets.lit if is_active else sheets.idle
    top = grid.pad + row * spec.row_px
    rows = slice(top, top + spec.row_px)
    paint = sheet.empty[rows].copy()
    bar = slice(grid.bar_x, grid.bar_x + round(grid.bar_width * percent / 100))
    paint[:, bar] = sheet.full[rows, bar]
    number = _number(f"{percent}%", spec.row_px, bold=is_active)
    height, width = number.shape[:2]
    low = (spec.row_px - height) // 2
    place = paint[low : low + height, grid.number_right - width : grid.number_right]
    cv2.max(place, number, dst=place)
    _paint_edge(paint, spec, colour, top=top)
    return Decal(paint=paint, keep=sheets.keep[rows])


@functools.lru_cache(maxsize=128)
def _end(spec: PanelSpec, colour: Colour, *, top: int) -> Decal:
    """Returns what is above the first row of a panel, or below the last."""
    sheets = _sheets(spec)
    rows = slice(top, top + _grid(spec).pad)
    paint = sheets.idle.empty[rows].copy()
    _paint_edge(paint, spec, colour, top=top)
    return Decal(paint=paint, keep=sheets.keep[rows])


def _paint_edge(paint: Image, spec: PanelSpec, colour: Colour, *, top: int) -> None:
    """Paints the coloured edge of a panel on the part of it that begins at a row of pixels."""
    radius, height = _radius(spec.row_px), _grid(spec).height
    low, high = max(radius - top, 0), max(height - radius - top, 0)
    paint[low:high, : max(2, spec.row_px // 7)] = colour


def _with_bars(paint: Image, spec: PanelSpec, *, full: bool, bright: bool) -> Image:
    """Returns a copy of a panel's paint with a bar in every row, all empty or all full."""
    grid = _grid(spec)
    drawn: Image = paint.copy()
    for row, threshold in enumerate(spec.thresholds):
        top = grid.pad + row * spec.row_px
        bar = drawn[top : top + spec.row_px, grid.bar_x : grid.bar_x + grid.bar_width]
        _draw_bar(bar, full=full, threshold=threshold, bright=bright)
    return drawn


def _draw_bar(bar: Image, *, full: bool, threshold: float, bright: bool) -> None:
    """Draws one bar over the whole of its row: thick and bright, or a thin line."""
    height, width = bar.shape[:2]
    middle, half = height // 2, max(2, round(height * (0.27 if bright else 0.13)))
    filling = ACTIVE if bright else BAR_IDLE
    bar[middle - half : middle + half] = filling if full else BAR_BED
    if threshold > 0:
        tick, reach = max(1, round(height / 14)), max(3, round(height * 0.36))
        x = min(round(width * threshold), width - tick)
        bar[middle - reach : middle + reach, x : x + tick] = WHITE


@functools.lru_cache(maxsize=16)
def _grid(spec: PanelSpec) -> _Grid:
    row, cap = spec.row_px, _cap_of(spec.row_px)
    # Even, as is the width: colour is coded for two by two pixels.
    pad, gap = max(4, row // 6 * 2), max(5, row // 2)
    codes = max(text.width_px(label, cap, bold=True) for label in spec.labels)
    words = max((text.width_px(name, cap) for name in _names(spec) if name), default=0)
    code_x = pad + row
    words_x = code_x + codes + gap
    bar_x = words_x + (words + gap if words else 0)
    bar_width = row * (5 if spec.with_words else 4)
    number_right = bar_x + bar_width + gap // 2 + text.width_px("100%", cap, bold=True)
    return _Grid(
        pad, code_x, words_x, bar_x, bar_width, number_right,
        width=_even(number_right + gap // 2 + pad), height=row * len(spec.labels) + 2 * pad,
    )  # fmt: skip


def _even(px: int) -> int:
    return px + px % 2


@functools.lru_cache(maxsize=16)
def _sheets(spec: PanelSpec) -> _Sheets:
    """Returns everything of a panel that is the same on every frame."""
    idle, lit = _plates(spec)
    looks = [
        _Look(
            empty=_with_bars(sheet.paint, spec, full=False, bright=sheet is lit),
            full=_with_bars(sheet.paint, spec, full=True, bright=sheet is lit),
        )
        for sheet in (idle, lit)
    ]
    return _Sheets(idle=looks[0], lit=looks[1], keep=idle.keep)


def _plates(spec: PanelSpec) -> tuple[Decal, Decal]:
    """Returns the panel without bars and numbers, all rows inactive and all rows active."""
    grid, row, cap = _grid(spec), spec.row_px, _cap_of(spec.row_px)
    idle, lit = (
        plate(grid.width, grid.height, radius=_radius(row), colour=INK, opacity=_OPACITY)
        for _ in range(2)
    )
    band = rounded(grid.width - grid.pad, row, radius=max(2, row // 4))
    mark = dot(max(5, round(row * 0.44)))
    for index, (label, name) in enumerate(zip(spec.labels, _names(spec), strict=True)):
        top = grid.pad + index * row
        y = top + (row - text.line_height(cap)) // 2
        write(lit, band, x=grid.pad // 2, y=top, colour=ROW_ACTIVE)
        mark_x = (grid.code_x + grid.pad // 2 - mark.shape[1]) // 2
        write(lit, mark, x=mark_x, y=top + (row - mark.shape[0]) // 2, colour=ACTIVE)
        for sheet, colour in ((idle, GREY_TEXT), (lit, WHITE)):
            code = text.strip(label, cap, bold=sheet is lit)
            write(sheet, code, x=grid.code_x, y=y, colour=colour)
            if name:
                write(sheet, text.strip(name, cap), x=grid.words_x, y=y, colour=colour)
    return idle, lit


@functools.lru_cache(maxsize=1024)
def _number(shown: str, row_px: int, *, bold: bool) -> Image:
    coverage = text.strip(shown, _cap_of(row_px), bold=bold)
    spare = max(0, coverage.shape[0] - row_px)  # small rows are lower than a line of text
    coverage = coverage[spare // 2 : coverage.shape[0] - (spare - spare // 2)]
    return tint(coverage, WHITE if bold else GREY_TEXT)


def _names(spec: PanelSpec) -> list[str]:
    """Returns the words beside each label: none where the label is a word already."""
    if not spec.with_words:
        return ["" for _ in spec.labels]
    return ["" if (words := words_for_label(label)) == label else words for label in spec.labels]


def _radius(row_px: int) -> int:
    return max(4, row_px // 2)


def _cap_of(row_px: int) -> int:
    return max(6, round(row_px * 0.53))


@functools.lru_cache(maxsize=64)
def dot(diameter: int) -> Image:
    """Returns the coverage of the mark of an active label: a round dot, uint8."""
    return rounded(diameter, diameter, radius=diameter)


def chips(
    labels: Sequence[str],
    probabilities: npt.NDArray[np.float32],
    active: npt.NDArray[np.bool_],
    *,
    colour: Colour,
    cap_px: int,
    max_width: int,
) -> Decal | None:
    """Returns one chip per active label, in a grid at most `max_width` wide; None without any.

    Where more are active than fit in a few chips, the most probable are shown and the last chip
    counts the rest. `colour` is the track's: the dot in it says whose chip this is.
    """
    rows = np.flatnonzero(active)
    if not len(rows):
        return None
    shown = rows
    if len(rows) > _MOST_CHIPS:
        likeliest = np.argsort(-probabilities[rows], kind="stable")[: _MOST_CHIPS - 1]
        shown = rows[np.sort(likeliest)]
    pieces = [
        _chip(labels[row], percent(float(probabilities[row])), cap_px=cap_px, colour=colour)
        for row in shown.tolist()
    ]
    if len(shown) < len(rows):
        pieces.append(_chip(f"+{len(rows) - len(shown)}", "", cap_px=cap_px, colour=colour))
    return _grid_of(pieces, gap=max(2, cap_px // 3), max_width=max_width)


def _grid_of(pieces: Sequence[Decal], *, gap: int, max_width: int) -> Decal:
    cell_w, cell_h = max(piece.width for piece in pieces), pieces[0].height
    columns = min(len(pieces), max(1, (max_width + gap) // (cell_w + gap)))
    rows = -(-len(pieces) // columns)
    size = (rows * (cell_h + gap) - gap, columns * (cell_w + gap) - gap, 3)
    sheet = Decal(paint=np.zeros(size, np.uint8), keep=np.full(size, 255, np.uint8))
    for index, piece in enumerate(pieces):
        y, x = (index // columns) * (cell_h + gap), (index % columns) * (cell_w + gap)
        sheet.paint[y : y + cell_h, x : x + piece.width] = piece.paint
        sheet.keep[y : y + cell_h, x : x + piece.width] = piece.keep
    return sheet


@functools.lru_cache(maxsize=2048)
def _chip(label: str, shown: str, *, cap_px: int, colour: Colour) -> Decal:
    name, number = text.strip(label, cap_px, bold=True), text.strip(shown, cap_px)
    mark, pad = dot(max(4, round(cap_px * 0.9))), max(3, round(cap_px * 0.6))
    height = text.line_height(cap_px)
    # The number's column has one width, so chips of a grid are equal and do not breathe.
    room = text.width_px("100%", cap_px)
    width = pad + mark.shape[1] + pad + name.shape[1] + pad + room + pad
    drawn = plate(width, height, radius=height // 2, colour=INK, opacity=0.88)
    write(drawn, mark, x=pad, y=(height - mark.shape[0]) // 2, colour=colour)
    write(drawn, name, x=pad + mark.shape[1] + pad, y=0, colour=WHITE)
    write(drawn, number, x=width - pad - number.shape[1], y=0, colour=WHITE)
    return drawn
