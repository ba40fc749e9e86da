"""Pictures that are drawn on, whichever way they are stored: in BGR or in a video's planes.

A canvas is its layers: whoever draws lines, dots or blocks draws them on each, at its own scale and
in its own colour; decals and heat are laid by the canvas. Drawing on planes spares an annotated
video two conversions of every picture. compose.py chooses one; nothing here knows of results.
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
from rtau.overlay.palette import Colour, Decal, blend_at, lay, stacked, without_black
from rtau.overlay.video_colours import YUV_FROM_BGR, is_video_coded, video_planes

# x0, y0, x1, y1, whole px of a picture, half-open, inside it.
Region = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One array of a picture, to be drawn on in place."""

    pixels: Image
    """uint8 (h, w, 3) or (h, w)."""
    step: int
    """Pixels of the picture that a pixel of the layer is wide and high."""
    channel: int | None
    """Which of Y, U and V it holds; None for BGR."""

    def colour(self, colour: Colour) -> tuple[float, ...]:
        """Returns what a colour, BGR, is in this layer."""
        return colour if self.channel is None else _value(colour, self.channel)

    def thickness(self, px: int) -> int:
        """Returns how thick a line of the picture is here, px, at least one."""
        return max(1, round(px / self.step))


class Canvas:
    """A BGR picture that is drawn on."""

    # Regions for heat begin and end at multiples of this, px.
    grid: ClassVar[int] = 1

    def __init__(self, image_bgr: Image) -> None:
        """Takes uint8 (H, W, 3), writable: it is drawn on itself."""
        self.height, self.width = image_bgr.shape[:2]
        self.layers: tuple[Layer, ...] = (Layer(image_bgr, 1, None),)

    def lay(self, decal: Decal, *, x: int, y: int) -> None:
        """Lays a decal with its top left corner at (x, y), cut at the picture's edges."""
        lay(self.layers[0].pixels, decal, x=x, y=y)

    def lay_stack(self, parts: Sequence[Decal], *, x: int, y: int) -> None:
        """Lays parts of one width below each other, the first at (x, y).

        Of planes these are on the grid, and the parts' sides whole multiples of it.
        """
        self.lay(stacked(parts), x=x, y=y)

    def lay_grown(self, layers: Image, region: Region) -> None:
        """Lays a small decal, enlarged to a region.

        Args:
            layers: uint8 (h, w, 4): paint in BGR, and keep.
            region: inside the picture, on its grid.
        """
        hot = _hot_part(layers, region)
        if hot is None:
            return
        rows, columns = _rows_and_columns(hot, region)
        part = _grown(layers, _size(region))[rows, columns]
        keep = cv2.cvtColor(cv2.extractChannel(part, 3), cv2.COLOR_GRAY2BGR)
        paint = cv2.cvtColor(part, cv2.COLOR_BGRA2BGR)
        decal = Decal(paint=np.asarray(paint, np.uint8), keep=np.asarray(keep, np.uint8))
        self.lay(decal, x=hot[0], y=hot[1])

    def picture(self) -> Picture:
        """Returns what was drawn; nothing may be drawn afterwards."""
        image = self.layers[0].pixels
        image.flags.writeable = False
        return image


class PlanesCanvas(Canvas):
    """A picture in a video's planes that is drawn on, in video's colours."""

    grid = 2

    def __init__(self, y: Image, u: Image, v: Image) -> None:
        """Takes planes as `video_planes` does, writable: they are drawn on themselves."""
        self.height, self.width = y.shape
        self.layers = (Layer(y, 1, 0), Layer(u, 2, 1), Layer(v, 2, 2))

    def lay(self, decal: Decal, *, x: int, y: int) -> None:
        """As `Canvas.lay`; a value of colour is the mean of its four pixels.

        Only whole values of colour are painted: at an odd edge there is none of the decal's.
        """
        coded = decal.coded(left=x % 2, top=y % 2)
        for layer, paint, keep in zip(self.layers, coded.paints, coded.keeps, strict=True):
            blend_at(layer.pixels, paint, keep, x=-(-x // layer.step), y=-(-y // layer.step))

    def lay_stack(self, parts: Sequence[Decal], *, x: int, y: int) -> None:
        """As `Canvas.lay_stack`: each part is coded once, however often it is laid."""
        coded = [part.coded(left=0, top=0) for part in parts]
        for k, layer in enumerate(self.layers):
            paint = np.concatenate([part.paints[k] for part in coded])
            keep = np.concatenate([part.keeps[k] for part in coded])
            blend_at(layer.pixels, paint, keep, x=x // layer.step, y=y // layer.step)

    def lay_grown(self, layers: Image, region: Region) -> None:
        """As `Canvas.lay_grown`."""
        hot = _hot_part(layers, region)
        if hot is None:
            return
        x0, y0, x1, y1 = hot
        hot = (x0 - x0 % 2, y0 - y0 % 2, x1 + x1 % 2, y1 + y1 % 2)
        keep = cv2.extractChannel(layers, 3)
        yuv = cv2.transform(cv2.cvtColor(layers, cv2.COLOR_BGRA2BGR), YUV_FROM_BGR)
        width, height = _size(region)
        rows, columns = _rows_and_columns(hot, region)
        # Brightness and colour are enlarged each to its own size: half the bytes of BGR.
        large, half = (width, height), (width // 2, height // 2)
        y, kept = (_grown(one, large)[rows, columns] for one in (cv2.extractChannel(yuv, 0), keep))
        _lay_plane(self.layers[0], y, kept, x=hot[0], y=hot[1])
        rows, columns = _halved(rows), _halved(columns)
        small = (_grown(one, half)[rows, columns] for one in (yuv, keep))
        self._lay_colour(*small, x=hot[0], y=hot[1])

    def picture(self) -> Picture:
        """As `Canvas.picture`."""
        y, u, v = (layer.pixels for layer in self.layers)
        return video_planes(y, u, v)

    def _lay_colour(self, yuv: Any, keep: Any, *, x: int, y: int) -> None:
        """Lays U and V of uint8 (h, w, 3), in half the picture's size; x and y are even."""
        for channel, layer in enumerate(self.layers[1:], start=1):
            _lay_plane(layer, cv2.extractChannel(yuv, channel), keep, x=x // 2, y=y // 2)


def canvas_of(frame: Frame, /) -> Canvas:
    """Returns a copy of a frame's picture to draw on: in planes where video is coded so."""
    planes = frame.planes
    if planes is None or not is_video_coded(planes):
        return Canvas(frame.canvas_bgr())
    return PlanesCanvas(planes.y.copy(), planes.u.copy(), planes.v.copy())


@functools.lru_cache(maxsize=128)
def _value(colour: Colour, channel: int) -> tuple[float, ...]:
    """Returns the brightness (0), blueness (1) or redness (2) of a colour, BGR, as one value."""
    return (float(np.round(YUV_FROM_BGR[channel] @ np.array([*colour, 1.0]))),)


def _lay_plane(layer: Layer, paint: Any, keep: Any, *, x: int, y: int) -> None:
    """Lays paint with its corner at (x, y) of a plane, in place."""
    added = without_black(paint, keep, channel=layer.channel or 0)
    blend_at(layer.pixels, added, keep, x=x, y=y)


def _grown(layers: Any, size: tuple[int, int]) -> Image:
    return np.asarray(cv2.resize(layers, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _hot_part(layers: Image, region: Region) -> Region | None:
    """Returns the part of a region that a small decal paints once enlarged; None without any.

    Most of a decal of heat is empty, and blending costs more than all else here.
    """
    left, top, columns, rows = cv2.boundingRect(cv2.bitwise_not(cv2.extractChannel(layers, 3)))
    if not columns:
        return None
    x0, y0, x1, y1 = region
    # Enlarging carries paint into the neighbouring small pixel, never further.
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
    """Returns where a part lies in a region."""
    x, y = region[:2]
    return slice(part[1] - y, part[3] - y), slice(part[0] - x, part[2] - x)


def _halved(span: slice) -> slice:
    return slice(span.start // 2, span.stop // 2)
