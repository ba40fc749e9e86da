"""Cuts square crops around faces, with the geometry that training and runtime share.

`cut` follows a contract's crop rule; `warp_square` is the warp itself, which `rtau_train` calls for
its crops too. The only place where BGR or the planes of a video become RGB.
"""

from __future__ import annotations

import cv2
import numpy as np

from rtau import geometry
from rtau.contract import CropRule
from rtau.data import Crops, Faces, Frame, Image, Planes

# A square smaller than this holds no readable face; the network would score noise.
MIN_SQUARE_PX = 8.0


def cut(frame: Frame, faces: Faces, /, *, rule: CropRule, size: int) -> Crops:
    """Returns the crops of a frame's faces: uint8 (N, S, S, 3), RGB, crop space.

    A face whose square is under `MIN_SQUARE_PX` or lies wholly outside the frame has no crop;
    `face_rows` lists the faces that have one. Parts outside the frame repeat its border pixels.
    """
    squares = geometry.square(
        faces.boxes_xyxy, expand=rule.expand, offset_x=rule.offset_x, offset_y=rule.offset_y
    )
    rows = np.flatnonzero(_readable(squares, frame)).astype(np.int64)
    squares = squares[rows]
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for image, square in zip(images, squares, strict=True):
        if frame.planes is None:
            crop_bgr = warp_square(frame.image_bgr, square, size=size)
            cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2RGB, dst=image)
        else:
            _cut_planes(frame.planes, square, into=image)
    maps = geometry.frame_from_crop(squares, size=size)
    return Crops(images_rgb=images, frame_from_crop=maps, face_rows=rows)


def _cut_planes(planes: Planes, square_xyxy: geometry.Boxes, *, into: Image) -> None:
    """Writes the square of a picture in planes to uint8 (S, S, 3), RGB."""
    size = len(into)
    y = warp_square(planes.y, square_xyxy, size=size)
    # A chroma sample is centred on its four pixels.
    half_xyxy = np.float32(0.5) * square_xyxy
    u, v = (warp_square(one, half_xyxy, size=size) for one in (planes.u, planes.v))
    cv2.transform(cv2.merge([y, u, v]), planes.rgb_from_yuv, dst=into)


def warp_square(image: Image, square_xyxy: geometry.Boxes, /, *, size: int) -> Image:
    """Returns the square of an image resampled to uint8 (size, size, ...), channels as they came.

    Args:
        image: uint8 (H, W, 3) or (H, W).
        square_xyxy: float32 (4,), px, half-open, in the image's space; may reach outside.
        size: side of the result, px.

    A square more than twice the crop is first averaged down by a whole factor: bilinear sampling
    alone would skip pixels and turn a sharp face into aliased noise.
    """
    side = float(square_xyxy[2] - square_xyxy[0])
    factor = int(side / size)
    if factor >= 2:
        image, square_xyxy = _averaged(image, square_xyxy, factor)
    return warp(image, geometry.frame_from_crop(square_xyxy[None], size=size)[0], size=size)


def warp(image: Image, image_from_crop: geometry.Maps, /, *, size: int) -> Image:
    """Returns the part of an image that an affine map points at: uint8 (size, size, ...).

    Args:
        image: uint8 (H, W, 3), channels in any order, or (H, W).
        image_from_crop: float32 (2, 3), crop space to the image's space, continuous coordinates;
            training turns and scales with it, the runtime's map is an upright square.
        size: side of the result, px.
    """
    warped = cv2.warpAffine(
        image,
        geometry.warp_matrix(image_from_crop),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, dtype=np.uint8)


def _readable(squares: geometry.Boxes, frame: Frame) -> np.ndarray:
    """Returns bool (N,): large enough and touching the frame."""
    inside = geometry.clip(squares, width=frame.width, height=frame.height)
    big = squares[:, 2] - squares[:, 0] >= MIN_SQUARE_PX
    return np.asarray(big & (geometry.areas(inside) > 0))


def _averaged(
    image: Image, square_xyxy: geometry.Boxes, factor: int
) -> tuple[Image, geometry.Boxes]:
    """Returns the part of the image around the square, shrunk by a whole factor, and the square.

    Cut on whole multiples of the factor from the square's own corner, so that equal crops of
    equal content are equal wherever the face stands.
    """
    height, width = image.shape[:2]
    x0, y0 = np.floor(square_xyxy[:2]).astype(int) - factor
    x1, y1 = np.ceil(square_xyxy[2:]).astype(int) + factor
    x0, y0 = max(int(x0), 0), max(int(y0), 0)
    x1, y1 = min(int(x1), width), min(int(y1), height)
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    part = image[y0 : min(y0 + rows * factor, height), x0 : min(x0 + columns * factor, width)]
    shrunk = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    step = np.array([part.shape[1] / columns, part.shape[0] / rows] * 2, np.float32)
    moved = (square_xyxy - np.array([x0, y0, x0, y0], np.float32)) / step
    return np.asarray(shrunk, dtype=np.uint8), moved.astype(np.float32)
