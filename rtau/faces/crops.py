"""Cuts square pictures along faces: the one geometry that training and runtime share.

`cut` follows a contract's crop rule; `warp_crop` is the warp itself, which `rtau_train` calls for
its crops too. The only place where BGR or the planes of a video become RGB.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

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
    rows = np.flatnonzero(_readable(maps, frame, size=size)).astype(np.int64)
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
    scale = math.hypot(image_from_crop[0, 0], image_from_crop[1, 0])
    if scale >= 2:
        halvings = int(math.log2(scale))
        image, image_from_crop = _averaged(image, image_from_crop, halvings=halvings, size=size)
    warped = cv2.warpAffine(
        image,
        geometry.warp_matrix(image_from_crop),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, dtype=np.uint8)


def _readable(maps: geometry.Maps, frame: Frame, *, size: int) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): large enough and touching the frame."""
    bounds = _bounds(maps, size=size)
    inside = geometry.clip(bounds, width=frame.width, height=frame.height)
    big = np.hypot(maps[:, 0, 0], maps[:, 1, 0]) * size >= MIN_SQUARE_PX
    return np.asarray(big & (geometry.areas(inside) > 0), dtype=np.bool_)


def _bounds(maps: geometry.Maps, *, size: int) -> geometry.Boxes:
    """Returns float32 (N, 4): upright boxes around the squares that maps carry a crop onto."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float32)
    places = geometry.apply(maps, np.repeat(corners[None], len(maps), 0))
    return np.concatenate([places.min(axis=1), places.max(axis=1)], axis=1)


def _averaged(
    image: Image, image_from_crop: geometry.Maps, *, halvings: int, size: int
) -> tuple[Image, geometry.Maps]:
    """Returns the part of the image around a crop, halved so often, and the crop's map.

    Cut on whole multiples of the factor from the crop's own corner, so that equal crops of
    equal content are equal wherever the face stands. OpenCV halves five to eight times as fast as
    it averages by another factor.
    """
    height, width = image.shape[:2]
    factor = 2**halvings
    bounds = _bounds(image_from_crop[None], size=size)[0]
    x0, y0 = np.floor(bounds[:2]).astype(int) - factor
    x1, y1 = np.ceil(bounds[2:]).astype(int) + factor
    # A crop that lies wholly outside shows the border, of which a pixel is enough.
    x0, y0 = min(max(int(x0), 0), width - 1), min(max(int(y0), 0), height - 1)
    x1, y1 = max(min(int(x1), width), x0 + 1), max(min(int(y1), height), y0 + 1)
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    part = image[y0 : min(y0 + rows * factor, height), x0 : min(x0 + columns * factor, width)]
    shrunk = part
    for left in reversed(range(halvings)):
        smaller = (columns << left, rows << left)
        shrunk = np.asarray(cv2.resize(shrunk, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    step = np.array([part.shape[1] / columns, part.shape[0] / rows])
    moved = image_from_crop.astype(np.float64)
    moved[:, 2] -= (x0, y0)
    return shrunk, (moved / step[:, None]).astype(np.float32)
