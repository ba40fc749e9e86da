"""Colours of the overlay, BGR, and the picture pieces ("decals") they are painted on.

Chosen to hold on light and dark faces and for colour-blind readers: active and inactive differ in
brightness, weight and shape too. Imported by every module of the overlay; draws no result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from rtau.data import Image
from rtau.overlay.video_colours import YUV_FROM_BGR

Colour = tuple[int, int, int]

INK: Colour = (22, 17, 14)
WHITE: Colour = (255, 255, 255)
GREY_TEXT: Colour = (178, 170, 160)
BAR_BED: Colour = (74, 66, 58)
BAR_IDLE: Colour = (168, 148, 128)
ACTIVE: Colour = (61, 190, 255)
ROW_ACTIVE: Colour = (44, 60, 74)

# Okabe and Ito's colour-blind-safe set, lightened so that each is visible on a dark frame;
# a track keeps its colour, and its number is always written beside it.
TRACKS: tuple[Colour, ...] = (
    (240, 196, 92),
    (166, 214, 60),
    (206, 150, 236),
    (82, 222, 246),
    (120, 144, 255),
    (236, 236, 236),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class CodedDecal:
    """A decal in the colours of a video's planes, Y, U and V: plane * keep / 255 + paint."""

    paints: tuple[Image, Image, Image]
    """uint8 (h, w), and twice (h / 2, w / 2) of whole values of colour."""
    keeps: tuple[Image, Image, Image]
    """As large; the last two are one."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Decal:
    """A picture piece that can be laid on a frame: frame * keep / 255 + paint."""

    paint: Image
    """uint8 (h, w, 3), BGR, already multiplied by its own coverage."""
    keep: Image
    """uint8 (h, w, 3): how much of the frame shines through, 255 = all."""
    _coded: dict[tuple[int, int], CodedDecal] = dataclasses.field(default_factory=dict, init=False)

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.paint.shape[1])

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.paint.shape[0])

    def coded(self, *, left: int, top: int) -> CodedDecal:
        """Returns the decal for planes; it may not be painted on afterwards.

        Args:
            left: 1 where it is laid at an odd column: whole values of colour begin one later.
            top: likewise of rows.
        """
        if (left, top) not in self._coded:
            self._coded[left, top] = _coded(self, left, top)
        return self._coded[left, top]


def stacked(parts: Sequence[Decal], /) -> Decal:
    """Returns one decal of parts of one width, the first on top."""
    paint = np.concatenate([part.paint for part in parts])
    return Decal(paint=paint, keep=np.concatenate([part.keep for part in parts]))


def _coded(decal: Decal, left: int, top: int) -> CodedDecal:
    yuv: Any = cv2.transform(decal.paint, YUV_FROM_BGR)
    keep: Any = cv2.extractChannel(decal.keep, 0)
    y = without_black(cv2.extractChannel(yuv, 0), keep, channel=0)
    half = ((decal.width - left) // 2, (decal.height - top) // 2)
    if min(half) == 0:
        none = np.zeros((half[1], half[0]), np.uint8)
        return CodedDecal(paints=(y, none, none), keeps=(keep, none, none))
    whole = slice(top, top + 2 * half[1]), slice(left, left + 2 * half[0])
    small: Any = cv2.resize(yuv[whole], half, interpolation=cv2.INTER_AREA)
    kept: Any = cv2.resize(keep[whole], half, interpolation=cv2.INTER_AREA)
    u, v = (without_black(cv2.extractChannel(small, k), kept, channel=k) for k in (1, 2))
    return CodedDecal(paints=(y, u, v), keeps=(keep, kept, kept))


def without_black(paint: Any, keep: Any, *, channel: int) -> Image:
    """Returns what to add to a plane of which `keep` / 255 stays: uint8, as they are.

    Black is not 0 in planes: with paint comes all of it, of which what is kept has its share.
    """
    black = float(YUV_FROM_BGR[channel, 3])
    return np.asarray(cv2.subtract(paint, cv2.convertScaleAbs(keep, alpha=black / 255)), np.uint8)


def track_colour(track_id: int) -> Colour:
    """Returns the colour of a track, the same on every frame."""
    return TRACKS[(track_id - 1) % len(TRACKS)]


def lay(image: Image, decal: Decal, *, x: int, y: int) -> None:
    """Lays a decal on the image with its top left corner at (x, y), cut at the image's edges."""
    blend_at(image, decal.paint, decal.keep, x=x, y=y)


def blend_at(image: Image, paint: Any, keep: Any, *, x: int, y: int) -> None:
    """Blends paint into an array with its corner at (x, y), in place, cut at the array's edges."""
    height, width = image.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + paint.shape[1], width), min(y + paint.shape[0], height)
    if x0 < x1 and y0 < y1:
        part = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        blend(image[y0:y1, x0:x1], paint[part], keep[part])


def blend(under: Image, paint: Any, keep: Any) -> None:
    """Lays paint on an array in place, of which `keep` / 255 stays: all uint8, all of one shape."""
    cv2.multiply(under, keep, dst=under, scale=1 / 255)
    cv2.add(under, paint, dst=under)


def rounded(width: int, height: int, *, radius: int) -> Image:
    """Returns the antialiased coverage of a rounded rectangle: uint8 (height, width)."""
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


def tint(coverage: Image, colour: Colour) -> Image:
    """Returns a coverage map painted in one colour: uint8 (h, w, 3)."""
    scaled = coverage.astype(np.uint16)[:, :, None] * np.array(colour, np.uint16)
    return (scaled // 255).astype(np.uint8)


def plate(width: int, height: int, *, radius: int, colour: Colour, opacity: float) -> Decal:
    """Returns a rounded plate of one colour; `opacity` in [0, 1]."""
    coverage = np.round(rounded(width, height, radius=radius) * opacity).astype(np.uint8)
    keep = np.repeat((255 - coverage)[:, :, None], 3, axis=2)
    return Decal(paint=tint(coverage, colour), keep=np.ascontiguousarray(keep))


def write(decal: Decal, coverage: Image, *, x: int, y: int, colour: Colour) -> None:
    """Writes a coverage map (a text strip, a mark) opaquely on a decal, in place, at (x, y)."""
    height, width = coverage.shape
    paint = decal.paint[y : y + height, x : x + width]
    keep = decal.keep[y : y + height, x : x + width]
    cut = coverage[: paint.shape[0], : paint.shape[1]]
    rest = np.repeat((255 - cut)[:, :, None], 3, axis=2)
    paint[:] = cv2.add(cv2.multiply(paint, rest, scale=1 / 255), tint(cut, colour))
    keep[:] = cv2.multiply(keep, rest, scale=1 / 255)
