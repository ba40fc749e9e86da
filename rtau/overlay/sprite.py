"""Sprites: small pictures with an inverse alpha, composited on BGR images or on a video's planes.

Compositing is frame * inverse_alpha / 255 + colour, where the colour is premultiplied by alpha. All
panels, tags and heatmaps are sprites.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from rtau.data import Image
from rtau.overlay.palette import Colour
from rtau.overlay.video_colours import YUV_FROM_BGR


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PlanarSprite:
    """A sprite as Y, U and V planes, composited in the same way on each plane."""

    planes: tuple[Image, Image, Image]
    """uint8 (h, w), and twice (h / 2, w / 2): only whole chroma samples."""
    inverse_alphas: tuple[Image, Image, Image]
    """uint8, the shapes of `planes`; U and V share one array."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A small BGR picture with an inverse alpha."""

    bgr: Image
    """uint8 (h, w, 3), BGR, premultiplied by alpha."""
    inverse_alpha: Image
    """uint8 (h, w, 3): share of the frame that stays visible, 255 = all of it."""
    _planar: dict[tuple[int, int], PlanarSprite] = dataclasses.field(
        default_factory=dict, init=False
    )

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.bgr.shape[1])

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.bgr.shape[0])

    def planar(self, *, left: int, top: int) -> PlanarSprite:
        """Returns the sprite as planes, cached: the sprite must not change afterwards.

        Args:
            left: 1 for an odd x position: the first whole chroma sample is one column later.
            top: 1 for an odd y position, likewise for rows.
        """
        if (left, top) not in self._planar:
            self._planar[left, top] = _planar(self, left, top)
        return self._planar[left, top]


def sprite_of(layers: Image, /) -> Sprite:
    """Returns the sprite of uint8 (h, w, 4): premultiplied BGR and inverse alpha."""
    inverse_alpha = cv2.cvtColor(cv2.extractChannel(layers, 3), cv2.COLOR_GRAY2BGR)
    bgr = cv2.cvtColor(layers, cv2.COLOR_BGRA2BGR)
    return Sprite(np.asarray(bgr, np.uint8), np.asarray(inverse_alpha, np.uint8))


def stacked(sprites: Sequence[Sprite], /) -> Sprite:
    """Returns sprites of one width as one, the first on top."""
    return Sprite(
        np.concatenate([sprite.bgr for sprite in sprites]),
        np.concatenate([sprite.inverse_alpha for sprite in sprites]),
    )


def _planar(sprite: Sprite, left: int, top: int) -> PlanarSprite:
    yuv: Any = cv2.transform(sprite.bgr, YUV_FROM_BGR)
    alpha: Any = cv2.extractChannel(sprite.inverse_alpha, 0)
    y = without_black(cv2.extractChannel(yuv, 0), alpha, channel=0)
    half = ((sprite.width - left) // 2, (sprite.height - top) // 2)
    if min(half) == 0:
        none = np.zeros((half[1], half[0]), np.uint8)
        return PlanarSprite(planes=(y, none, none), inverse_alphas=(alpha, none, none))
    whole = slice(top, top + 2 * half[1]), slice(left, left + 2 * half[0])
    small: Any = cv2.resize(yuv[whole], half, interpolation=cv2.INTER_AREA)
    small_alpha: Any = cv2.resize(alpha[whole], half, interpolation=cv2.INTER_AREA)
    u, v = (without_black(cv2.extractChannel(small, k), small_alpha, channel=k) for k in (1, 2))
    return PlanarSprite(planes=(y, u, v), inverse_alphas=(alpha, small_alpha, small_alpha))


def without_black(plane: Any, inverse_alpha: Any, *, channel: int) -> Image:
    """Returns a sprite's Y (0), U (1) or V (2) plane, ready to be added to the frame's: uint8.

    Black is 16 or 128 in these planes, not 0. The frame contributes `inverse_alpha` / 255 of that
    offset, so the sprite must not contribute it again.
    """
    black = float(YUV_FROM_BGR[channel, 3])
    offset = cv2.convertScaleAbs(inverse_alpha, alpha=black / 255)
    return np.asarray(cv2.subtract(plane, offset), np.uint8)


def composite(image: Image, sprite: Sprite, *, x: int, y: int) -> None:
    """Composites a sprite on a BGR image in place, its top left corner at (x, y), clipped."""
    blend_at(image, sprite.bgr, sprite.inverse_alpha, x=x, y=y)


def blend_at(image: Image, source: Any, inverse_alpha: Any, *, x: int, y: int) -> None:
    """Blends a premultiplied source into an array in place, its corner at (x, y), clipped."""
    height, width = image.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + source.shape[1], width), min(y + source.shape[0], height)
    if x0 < x1 and y0 < y1:
        part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        blend(image[y0:y1, x0:x1], source[part], inverse_alpha[part])


def blend(target: Image, source: Any, inverse_alpha: Any) -> None:
    """Computes target * inverse_alpha / 255 + source in place; all uint8, of one shape."""
    cv2.multiply(target, inverse_alpha, dst=target, scale=1 / 255)
    cv2.add(target, source, dst=target)


def rounded(width: int, height: int, *, radius: int) -> Image:
    """Returns the antialiased alpha of a rounded rectangle: uint8 (height, width)."""
    radius = min(radius, width // 2, height // 2)
    mask = np.full((height, width), 255, np.uint8)
    if radius < 1:
        return mask
    over = 4  # supersampling: corners stay smooth at a radius of two pixels
    large = np.zeros((radius * over, radius * over), np.uint8)
    cv2.circle(large, (radius * over, radius * over), radius * over, 255, -1)
    corner = cv2.resize(large, (radius, radius), interpolation=cv2.INTER_AREA)
    mask[:radius, :radius] = corner
    mask[:radius, -radius:] = corner[:, ::-1]
    mask[-radius:, :radius] = corner[::-1]
    mask[-radius:, -radius:] = corner[::-1, ::-1]
    return mask


def tint(alpha: Image, colour: Colour) -> Image:
    """Returns one colour premultiplied by an alpha map (h, w): uint8 (h, w, 3)."""
    scaled = alpha.astype(np.uint16)[:, :, None] * np.array(colour, np.uint16)
    return (scaled // 255).astype(np.uint8)


def plate(width: int, height: int, *, radius: int, colour: Colour, opacity: float) -> Sprite:
    """Returns a rounded rectangle of one colour; `opacity` in [0, 1]."""
    alpha = np.round(rounded(width, height, radius=radius) * opacity).astype(np.uint8)
    inverse_alpha = np.repeat((255 - alpha)[:, :, None], 3, axis=2)
    return Sprite(tint(alpha, colour), np.ascontiguousarray(inverse_alpha))


def write(sprite: Sprite, alpha: Image, *, x: int, y: int, colour: Colour) -> None:
    """Draws an alpha map (a line of text, a mark) opaquely on a sprite, in place, at (x, y)."""
    height, width = alpha.shape
    bgr = sprite.bgr[y : y + height, x : x + width]
    inverse_alpha = sprite.inverse_alpha[y : y + height, x : x + width]
    cut = alpha[: bgr.shape[0], : bgr.shape[1]]
    rest = np.repeat((255 - cut)[:, :, None], 3, axis=2)
    bgr[:] = cv2.add(cv2.multiply(bgr, rest, scale=1 / 255), tint(cut, colour))
    inverse_alpha[:] = cv2.multiply(inverse_alpha, rest, scale=1 / 255)
