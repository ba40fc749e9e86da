"""Canvases: frames that are drawn on, stored as BGR or as a video's Y, U and V planes.

Lines, dots and blocks are drawn on each layer of a canvas at the layer's scale; sprites and
heatmaps are composited by the canvas. Drawing on planes saves two colour conversions per frame.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np

from rtau.data import Frame, Image, Picture
from rtau.overlay.palette import Colour
from rtau.overlay.sprite import Sprite, blend_at, composite, sprite_of, stacked, without_black
from rtau.overlay.video_colours import YUV_FROM_BGR, is_video_coded, video_planes

# x0, y0, x1, y1, whole px of a picture, half-open, inside it.
Region = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One array of a canvas, drawn on in place."""

    pixels: Image
    """uint8 (h, w, 3) or (h, w)."""
    step: int
    """Frame pixels per layer pixel, in both directions."""
    channel: int | None
    """0, 1, 2 for Y, U, V; None for BGR."""

    def colour(self, colour: Colour) -> tuple[float, ...]:
        """Returns a BGR colour as OpenCV draws it on this layer."""
        return colour if self.channel is None else _value(colour, self.channel)

    def thickness(self, px: int) -> int:
        """Returns a line's thickness on this layer, at least 1 px; `px` is that in the frame."""
        return max(1, round(px / self.step))


class Canvas:
    """A BGR frame that is drawn on."""

    # Regions for heatmaps begin and end at multiples of this, px.
    grid: ClassVar[int] = 1

    def __init__(self, image_bgr: Image) -> None:
        """Takes uint8 (H, W, 3), writable, and draws on it in place."""
        self.height, self.width = image_bgr.shape[:2]
        self.layers: tuple[Layer, ...] = (Layer(image_bgr, 1, None),)

    def composite(self, sprite: Sprite, *, x: int, y: int) -> None:
        """Composites a sprite with its top left corner at (x, y), clipped to the frame."""
        composite(self.layers[0].pixels, sprite, x=x, y=y)

    def composite_stack(self, sprites: Sequence[Sprite], *, x: int, y: int) -> None:
        """Composites sprites of one width below each other, the first at (x, y).

        On planes, positions and sizes must be multiples of `grid`.
        """
        self.composite(stacked(sprites), x=x, y=y)

    def composite_resized(self, layers: Image, region: Region) -> None:
        """Composites a small sprite, enlarged to a region.

        Args:
            layers: uint8 (h, w, 4): premultiplied BGR and inverse alpha.
            region: inside the frame, aligned to `grid`.
        """
        visible = _visible_part(layers, region)
        if visible is None:
            return
        rows, columns = _rows_and_columns(visible, region)
        part = _resized(layers, _size(region))[rows, columns]
        self.composite(sprite_of(part), x=visible[0], y=visible[1])

    def picture(self) -> Picture:
        """Returns the drawn frame; nothing may be drawn afterwards."""
        image = self.layers[0].pixels
        image.flags.writeable = False
        return image


class PlanesCanvas(Canvas):
    """A frame in BT.709 planes that is drawn on."""

    grid = 2

    def __init__(self, y: Image, u: Image, v: Image) -> None:
        """Takes planes as `video_planes` does, writable, and draws on them in place."""
        self.height, self.width = y.shape
        self.layers = (Layer(y, 1, 0), Layer(u, 2, 1), Layer(v, 2, 2))

    def composite(self, sprite: Sprite, *, x: int, y: int) -> None:
        """As `Canvas.composite`; a chroma sample is the mean of its four pixels.

        Only whole chroma samples are drawn: an odd edge of the sprite changes brightness only.
        """
        planar = sprite.planar(left=x % 2, top=y % 2)
        for layer, plane, alpha in zip(
            self.layers, planar.planes, planar.inverse_alphas, strict=True
        ):
            blend_at(layer.pixels, plane, alpha, x=-(-x // layer.step), y=-(-y // layer.step))

    def composite_stack(self, sprites: Sequence[Sprite], *, x: int, y: int) -> None:
        """As `Canvas.composite_stack`; each sprite is converted to planes once and cached."""
        parts = [sprite.planar(left=0, top=0) for sprite in sprites]
        for k, layer in enumerate(self.layers):
            plane = np.concatenate([part.planes[k] for part in parts])
            alpha = np.concatenate([part.inverse_alphas[k] for part in parts])
            blend_at(layer.pixels, plane, alpha, x=x // layer.step, y=y // layer.step)

    def composite_resized(self, layers: Image, region: Region) -> None:
        """As `Canvas.composite_resized`."""
        visible = _visible_part(layers, region)
        if visible is None:
            return
        x0, y0, x1, y1 = visible
        x, y = x0 - x0 % 2, y0 - y0 % 2
        rows, columns = _rows_and_columns((x, y, x1 + x1 % 2, y1 + y1 % 2), region)
        alpha = cv2.extractChannel(layers, 3)
        yuv = cv2.transform(cv2.cvtColor(layers, cv2.COLOR_BGRA2BGR), YUV_FROM_BGR)
        width, height = _size(region)
        # Brightness and chroma are each enlarged to their own size: half the bytes of BGR.
        luma = _resized(cv2.extractChannel(yuv, 0), (width, height))[rows, columns]
        luma_alpha = _resized(alpha, (width, height))[rows, columns]
        _blend_plane(self.layers[0], luma, luma_alpha, x=x, y=y)
        rows, columns = _halved(rows), _halved(columns)
        chroma, chroma_alpha = (
            _resized(one, (width // 2, height // 2))[rows, columns] for one in (yuv, alpha)
        )
        for channel, layer in enumerate(self.layers[1:], start=1):
            plane = cv2.extractChannel(chroma, channel)
            _blend_plane(layer, plane, chroma_alpha, x=x // 2, y=y // 2)

    def picture(self) -> Picture:
        """As `Canvas.picture`."""
        y, u, v = (layer.pixels for layer in self.layers)
        return video_planes(y, u, v)


def canvas_of(frame: Frame, /) -> Canvas:
    """Returns a copy of a frame to draw on: as planes where the frame has BT.709 planes."""
    planes = frame.planes
    if planes is None or not is_video_coded(planes):
        return Canvas(frame.canvas_bgr())
    return PlanesCanvas(planes.y.copy(), planes.u.copy(), planes.v.copy())


@functools.lru_cache(maxsize=128)
def _value(colour: Colour, channel: int) -> tuple[float, ...]:
    """Returns the Y (0), U (1) or V (2) of a BGR colour, as one value."""
    return (float(np.round(YUV_FROM_BGR[channel] @ np.array([*colour, 1.0]))),)


def _blend_plane(layer: Layer, plane: Any, inverse_alpha: Any, *, x: int, y: int) -> None:
    """Blends one plane of a sprite into a layer in place, its corner at (x, y) of the layer."""
    added = without_black(plane, inverse_alpha, channel=layer.channel or 0)
    blend_at(layer.pixels, added, inverse_alpha, x=x, y=y)


def _resized(layers: Any, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(layers, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _visible_part(layers: Image, region: Region) -> Region | None:
    """Returns the part of a region that a small sprite changes once enlarged; None if nothing.

    Most of a heatmap is transparent, and blending is the most expensive step here.
    """
    left, top, columns, rows = cv2.boundingRect(cv2.bitwise_not(cv2.extractChannel(layers, 3)))
    if not columns:
        return None
    x0, y0, x1, y1 = region
    # Linear interpolation spreads a small pixel into its neighbours, never further.
    across, down = (x1 - x0) / layers.shape[1], (y1 - y0) / layers.shape[0]
    return (
        x0 + max(0, math.floor((left - 1) * across)),
        y0 + max(0, math.floor((top - 1) * down)),
        min(x1, x0 + math.ceil((left + columns + 1) * across)),
        min(y1, y0 + math.ceil((top + rows + 1) * down)),
    )


def _size(region: Region) -> tuple[int, int]:
    return region[2] - region[0], region[3] - region[1]


def _rows_and_columns(part: Region, region: Region) -> tuple[slice, slice]:
    """Returns the rows and columns of a region that a part of it covers."""
    x, y = region[:2]
    return slice(part[1] - y, part[3] - y), slice(part[0] - x, part[2] - x)


def _halved(span: slice) -> slice:
    return slice(span.start // 2, span.stop // 2)
