"""The status line and the help card that a window draws over its copy of the picture.

They show the state of the run at this moment, so they are not part of any output file.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from rtau.data import Image
from rtau.overlay import text
from rtau.overlay.compose import header_px
from rtau.overlay.palette import ACTIVE, GREY_TEXT, INK, WHITE
from rtau.overlay.sprite import Sprite, composite, plate, write
from rtau.status import ViewStatus, progress_parts, speed_parts


def draw_header(image: Image, status: ViewStatus) -> None:
    """Draws the status line over the top of the image, in place."""
    height, width = image.shape[:2]
    strip_px = header_px(height)
    cap = max(7, round(strip_px * 0.4))
    composite(image, _band(width, strip_px), x=0, y=0)
    x = cap
    for part in _parts(status):
        alpha = text.strip(part, cap)
        if x + alpha.shape[1] + cap > width:
            break
        composite(image, _words(part, cap), x=x, y=(strip_px - alpha.shape[0]) // 2)
        x += alpha.shape[1] + 2 * cap


def draw_help(image: Image, keys: Sequence[tuple[str, str]], *, title: str) -> None:
    """Draws a card that lists keys and their actions in the middle of the image, in place."""
    height, width = image.shape[:2]
    card = _card(tuple(keys), title, max(7, round(height * 0.018)))
    composite(image, card, x=(width - card.width) // 2, y=(height - card.height) // 2)


def _parts(status: ViewStatus) -> list[str]:
    progress = [] if status.is_live else progress_parts(status)[:2]
    return [
        *status.notices,
        *speed_parts(status),
        status.device,
        *progress,
        status.model,
        "h: keys",
    ]


@functools.lru_cache(maxsize=4)
def _band(width: int, height: int) -> Sprite:
    return plate(width, height, radius=1, colour=INK, opacity=0.8)


@functools.lru_cache(maxsize=256)
def _words(part: str, cap_px: int) -> Sprite:
    alpha = text.strip(part, cap_px)
    drawn = plate(alpha.shape[1], alpha.shape[0], radius=1, colour=INK, opacity=0.0)
    write(drawn, alpha, x=0, y=0, colour=WHITE)
    return drawn


@functools.lru_cache(maxsize=4)
def _card(keys: tuple[tuple[str, str], ...], title: str, cap_px: int) -> Sprite:
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
