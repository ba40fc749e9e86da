"""Cuts square pictures along faces: the one geometry that training and runtime share.

`cut` follows a contract's crop rule; `warp_crop` is the warp itself, which `rtau_train` calls for
its crops too. The only place where BGR or the planes of a video become RGB.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from rtau import geometry
from rtau.contract import CropRule
from rtau.data import Crops, Faces, Frame, Image, Planes
from rtau.squares import FaceSquares, frame_from_crop

# A square smaller than this holds no readable face; the network would score noise.
MIN_SQUARE_PX = 8.0


def cut(frame: Frame, faces: Faces, /, *, rule: CropRule, size: int) -> Crops:
    """Returns the crops of a frame's faces: uint8 (N, S, S, 3), RGB, crop space.

    Crops are turned with the face where `rolls_rad` says how. A face whose square is under
    `MIN_SQUARE_PX` or lies wholly outside the frame has no crop; `face_rows` tells which faces have
    one. Parts outside the frame repeat its border pixels.
    """
    squares = _squares(faces)
    maps = frame_from_crop(
        squares, size=size, expand=rule.expand, offset_x=rule.offset_x, offset_y=rule.offset_y
    )
    readable = [_is_readable(one, frame, size=size) for one in maps.tolist()]
    rows = np.flatnonzero(readable).astype(np.int64)
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for image, one in zip(images, maps[rows], strict=True):
        if frame.planes is None:
            crop_bgr = warp_crop(frame.image_bgr, one, size=size)
            cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2RGB, dst=image)
        else:
            _cut_planes(frame.planes, one, into=image)
    return Crops(images_rgb=images, frame_from_crop=maps[rows], face_rows=rows)


def _squares(faces: Faces) -> FaceSquares:
    """Returns a square per face: on the box's centre, as wide as its longer side, turned."""
    boxes = faces.boxes_xyxy
    rolls = np.zeros(len(boxes), np.float32) if faces.rolls_rad is None else faces.rolls_rad
    return FaceSquares(
        centres_xy=np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32),
        sides_px=(boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0),
        rolls_rad=rolls,
    )


def _cut_planes(planes: Planes, frame_from_crop: geometry.Maps, *, into: Image) -> None:
    """Writes the part of a picture in planes that a map points at to uint8 (S, S, 3), RGB."""
    size = len(into)
    y = warp_crop(planes.y, frame_from_crop, size=size)
    # A value of colour lies in the middle of its four pixels.
    half = np.float32(0.5) * frame_from_crop
    u, v = (warp_crop(one, half, size=size) for one in (planes.u, planes.v))
    cv2.transform(cv2.merge([y, u, v]), planes.rgb_from_yuv, dst=into)


def warp_square(image: Image, square_xyxy: geometry.Boxes, /, *, size: int) -> Image:
    """Returns the square of an image resampled to uint8 (size, size, ...), channels as they came.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        square_xyxy: float32 (4,), px, half-open, in the image's space; may reach outside.
        size: side of the result, px.

    """
    return warp_crop(image, geometry.frame_from_crop(square_xyxy[None], size=size)[0], size=size)


def warp_crop(image: Image, image_from_crop: geometry.Maps, /, *, size: int) -> Image:
    """Returns the part of an image that a similarity points at: uint8 (size, size, ...).

    A part more than twice the crop is first averaged down, halved as often as it can be: bilinear
    sampling alone would skip pixels and turn a sharp face into aliased noise.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        image_from_crop: float32 (2, 3), crop space to the image's space, continuous coordinates.
        size: side of the result, px.
    """
    (a, b, x), (c, d, y) = image_from_crop.tolist()
    scale = math.hypot(a, c)
    if scale >= 2:
        reach = _reach((a, b, x), size), _reach((c, d, y), size)
        part = _part(image, reach, halvings=int(math.log2(scale)))
        image = part.shrunk
        a, b, x = a / part.step_x, b / part.step_x, (x - part.x0) / part.step_x
        c, d, y = c / part.step_y, d / part.step_y, (y - part.y0) / part.step_y
    warped = cv2.warpAffine(
        image,
        geometry.warp_matrix(np.array([[a, b, x], [c, d, y]])),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, dtype=np.uint8)


def _is_readable(frame_from_crop: list[list[float]], frame: Frame, *, size: int) -> bool:
    """True for a square that is large enough and touches the frame."""
    (a, b, x), (c, d, y) = frame_from_crop
    (left, right), (top, bottom) = _reach((a, b, x), size), _reach((c, d, y), size)
    touches = left < frame.width and right > 0 and top < frame.height and bottom > 0
    return touches and math.hypot(a, c) * size >= MIN_SQUARE_PX


class _Part(NamedTuple):
    """A part of an image, averaged down."""

    shrunk: Image
    x0: int
    """Where its left edge lies in the image, px."""
    y0: int
    step_x: float
    """Px of the image per px of the part."""
    step_y: float


def _reach(row: tuple[float, float, float], size: int) -> tuple[float, float]:
    """Returns the least and the largest coordinate that a row of a map gives a crop's corners."""
    along, across, start = row
    ends = (along * size, across * size)
    return start + sum(min(end, 0.0) for end in ends), start + sum(max(end, 0.0) for end in ends)


def _part(
    image: Image, reach_xy: tuple[tuple[float, float], tuple[float, float]], /, *, halvings: int
) -> _Part:
    """Returns what lies around a crop that reaches so far, halved so often.

    Cut on whole multiples of the factor from the crop's own corner, so that equal crops of
    equal content are equal wherever the face stands. OpenCV halves five to eight times as fast as
    it averages by another factor.
    """
    factor = 2**halvings
    x0, x1 = _inside(reach_xy[0], margin=factor, length=image.shape[1])
    y0, y1 = _inside(reach_xy[1], margin=factor, length=image.shape[0])
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    shrunk = part = image[y0 : y0 + rows * factor, x0 : x0 + columns * factor]
    for left in reversed(range(halvings)):
        smaller = (columns << left, rows << left)
        shrunk = np.asarray(cv2.resize(shrunk, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    return _Part(shrunk, x0, y0, part.shape[1] / columns, part.shape[0] / rows)


def _inside(reach: tuple[float, float], *, margin: int, length: int) -> tuple[int, int]:
    """Returns the pixels that a crop and a margin reach, [start, end) in [0, length).

    A crop that lies wholly outside shows the border, of which a pixel is enough.
    """
    start = min(max(math.floor(reach[0]) - margin, 0), length - 1)
    return start, max(min(math.ceil(reach[1]) + margin, length), start + 1)
