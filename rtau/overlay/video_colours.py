"""Converts between BGR and the colours of annotated video: BT.709, limited range, 4:2:0.

Within two levels of swscale's conversion at half its time: swscale has no fast path from BGR to
BT.709. The overlay and the encoder use it.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from rtau.data import Image, Picture, Planes

# ITU-R BT.709-6, items 3.2 to 3.4: luma from red, green and blue, in 8 bits 16 to 235; blue and red
# minus luma, normalised, 16 to 240 around 128.
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_Y = np.array([_BLUE, _GREEN, _RED])  # of B, G, R
_U = (np.array([1, 0, 0]) - _Y) / (2 * (1 - _BLUE))
_V = (np.array([0, 0, 1]) - _Y) / (2 * (1 - _RED))
_YUV_FROM_BGR = np.column_stack(
    [np.stack([219 * _Y, 224 * _U, 224 * _V]) / 255, [16.0, 128.0, 128.0]]
)
# float32 (3, 4): Y, U, V of the column (B, G, R, 1), all 0 to 255.
YUV_FROM_BGR = _YUV_FROM_BGR.astype(np.float32)
_LINEAR = np.linalg.inv(_YUV_FROM_BGR[:, :3])[::-1]
# float32 (3, 4): the inverse, to R, G, B, as `Planes.rgb_from_yuv`.
RGB_FROM_YUV = np.column_stack([_LINEAR, -_LINEAR @ _YUV_FROM_BGR[:, 3]]).astype(np.float32)


def is_video_coded(planes: Planes, /) -> bool:
    """True if planes are BT.709 in limited range, of even width and height."""
    height, width = planes.y.shape
    is_even = height % 2 == 0 and width % 2 == 0
    return is_even and bool(np.abs(planes.rgb_from_yuv - RGB_FROM_YUV).max() < 1e-2)


def video_planes(y: Image, u: Image, v: Image, /) -> Planes:
    """Returns BT.709 planes as a picture: `y` uint8 (H, W), even; `u`, `v` (H / 2, W / 2)."""
    convert = functools.partial(_bgr_of, y, u, v)
    return Planes(y=y, u=u, v=v, rgb_from_yuv=RGB_FROM_YUV, convert=convert)


def in_bgr(picture: Picture, /) -> Image:
    """Returns a picture as uint8 (H, W, 3), BGR, read-only."""
    return picture.image_bgr if isinstance(picture, Planes) else picture


def write_planes(image_bgr: Image, /, *, y: Image, u: Image, v: Image) -> None:
    """Converts a picture into given planes; a chroma sample is the mean of its 2 x 2 pixels.

    Args:
        image_bgr: uint8 (H, W, 3), H and W even.
        y: uint8 (H, W), rows may be padded.
        u: uint8 (H / 2, W / 2), likewise.
        v: uint8 (H / 2, W / 2), likewise.
    """
    yuv = cv2.transform(image_bgr, YUV_FROM_BGR)
    cv2.extractChannel(yuv, 0, y)
    small = cv2.resize(yuv, u.shape[::-1], interpolation=cv2.INTER_AREA)
    cv2.extractChannel(small, 1, u)
    cv2.extractChannel(small, 2, v)


def _bgr_of(y: Image, u: Image, v: Image) -> Image:
    size = y.shape[::-1]
    # Linear: a chroma sample lies in the middle of its four pixels.
    wide_u, wide_v = (cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in (u, v))
    return np.asarray(cv2.transform(cv2.merge([y, wide_u, wide_v]), RGB_FROM_YUV[::-1]), np.uint8)
