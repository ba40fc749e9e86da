"""BGR pictures as the planes that encoders take: BT.709, video's range, colours in half the size.

The same numbers as swscale's to a level or two, at half its price: it has no fast way from BGR to
BT.709. Called by `rtau.sinks.video_encoder`.
"""

from __future__ import annotations

import cv2
import numpy as np

from rtau.data import Image

# ITU-R BT.709-6, items 3.2 to 3.4: brightness by red, green and blue, and 8 bits of it: 16 to 235;
# blue and red less brightness, scaled to one, in 16 to 240 around 128.
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_Y = np.array([_BLUE, _GREEN, _RED])  # of B, G, R
_U = (np.array([1, 0, 0]) - _Y) / (2 * (1 - _BLUE))
_V = (np.array([0, 0, 1]) - _Y) / (2 * (1 - _RED))
_YUV_FROM_BGR = np.column_stack(
    [np.stack([219 * _Y, 224 * _U, 224 * _V]) / 255, [16.0, 128.0, 128.0]]
).astype(np.float32)


def write_planes(image_bgr: Image, /, *, y: Image, u: Image, v: Image) -> None:
    """Writes a picture into planes; a value of colour is the mean of its 2 x 2 pixels.

    Args:
        image_bgr: uint8 (H, W, 3), H and W even.
        y: uint8 (H, W), rows may be padded.
        u: uint8 (H / 2, W / 2), likewise.
        v: the same.
    """
    yuv = cv2.transform(image_bgr, _YUV_FROM_BGR)
    cv2.extractChannel(yuv, 0, y)
    small = cv2.resize(yuv, u.shape[::-1], interpolation=cv2.INTER_AREA)
    cv2.extractChannel(small, 1, u)
    cv2.extractChannel(small, 2, v)
