"""The status line and the help card a window lays over the picture.

They show how the run is doing at this moment, so they never go into a file. Called by the window
sink on its own copy of the picture.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from rtau.data import Image
from rtau.overlay import text
from rtau.overlay.compose import header_px
from rtau.overlay.palette import ACTIVE, GREY_TEXT, INK, WHITE, Decal, lay, plate, write
from rtau.status import ViewStatus, progress_parts, speed_parts


def draw_header(image: Image, status: ViewStatus) -> None:
    """Draws the status line over the top of the image, in place."""
    height, width = image.shape[:2]
    strip_px = header_px(height)
    cap = max(7, round(strip_px * 0.4))
    lay(image, _band(width, strip_px), x=0, y=0)
    x = cap
    for part in _parts(status):
        coverage = text.strip(part, cap)
        if x + coverage.shape[1] + cap > width:
            break
        lay(image, _words(part, cap), x=x, y=(strip_px - coverage.shape[0]) // 2)
        x += coverage.shape[1] + 2 * cap


def draw_help(image: Image, keys: Sequence[tuple[str, str]], *, title: str) -> None:
    """Draws a card listing keys and what they do in the middle of the image, in place."""
    height, width = image.shape[:2]
    card = _card(tuple(keys), title, max(7, round(height * 0.018)))
    lay(image, card, x=(width - card.width) // 2, y=(height - card.height) // 2)


def _parts(status: ViewStatus) -> list[str]:
    progress = [] if status.is_live else progress_parts(status)[:2]
    return [*speed_parts(status), status.device, *progress, status.model, "h: keys"]


@functools.lru_cache(maxsize=4)
def _band(width: int, height: int) -> Decal:
    return plate(width, height, radius=1, colour=INK, opacity=0.8)


@functools.lru_cache(maxsize=256)
def _words(part: str, cap_px: int) -> Decal:
    coverage = text.strip(part, cap_px)
    drawn = plate(coverage.shape[1], coverage.shape[0], radius=1, colour=INK, opacity=0.0)
    write(drawn, coverage, x=0, y=0, colour=WHITE)
    return drawn


@functools.lru_cache(maxsize=4)
def _card(keys: tuple[tuple[str, str], ...], title: str, cap_px: int) -> Decal:
    pad, line = cap_px * 2, round(cap_px * 2.4)
    key_width = max(text.width_px(key, cap_px, bold=True) for key, _ in keys)
    word_width = max(text.width_px(words, cap_px) for _, words in keys)
    title_width = text.width_px(title, cap_px, bold=True)
    width = max(key_width + pad + word_width, title_width) + 2 * pad
    height = line * (len(keys) + 1) + 2 * pad
    card = plate(width, height, radius=cap_px, colour=INK, opacity=0.92)
    write(card, text.strip(title, cap_px, bold=True), x=pad, y=pad, colour=GREY_TEXT)
    for row, (key, words) in enumerate(keys, start=1):
        y = pad + row * line
        write(card, text.strip(key, cap_px, bold=True), x=pad, y=y, colour=ACTIVE)
        write(card, text.strip(words, cap_px), x=pad + key_width + pad, y=y, colour=WHITE)
    return card
