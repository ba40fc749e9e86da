"""Runs a cascade over an image pyramid, one octave of face sizes per level.

OpenCV moves the cascade's window by two pixels of its rescaled image, but by one where it has
rescaled below half: four times as many windows for larger faces, which are easier to find. Halving
the image keeps the step at two. `haar.py` calls it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image

# Side of the cascade's window, px: nothing smaller can be found.
WINDOW_PX = 24
# Ratio of successive window sizes. Finer on the upper levels, where the pyramid moves its window by
# more than a single search would: with 1.2 there, 84.9 % of hard faces are found, with 1.1 88.4 %.
FIRST_STEP, STEP = 1.2, 1.1
# How far windows of one group may differ, in sides: OpenCV's default.
AGREEING = 0.2


def detect_all_sizes(
    cascade: cv2.CascadeClassifier, grey: Image, /, *, smallest_px: int
) -> npt.NDArray[np.int64]:
    """Returns grouped windows of all levels: int64 (N, 4), x, y, width, height, px.

    Args:
        cascade: with a window of `WINDOW_PX`.
        grey: uint8 (H, W), equalised.
        smallest_px: side of the smallest face.
    """
    hits: list[npt.NDArray[np.int64]] = []
    level, scale, low = grey, 1, max(smallest_px, WINDOW_PX)
    while min(level.shape) >= WINDOW_PX:
        high = 2 * WINDOW_PX - 1
        if low <= high:
            sizes: Any = {"minSize": (low, low), "maxSize": (high, high)}
            step = FIRST_STEP if scale == 1 else STEP
            found = cascade.detectMultiScale(level, step, 0, **sizes)
            hits.append(np.array(found, np.int64).reshape(-1, 4) * scale)
        level, scale, low = _halved(level), 2 * scale, max(low // 2, WINDOW_PX)
    together = np.concatenate([np.zeros((0, 4), np.int64), *hits])
    # Each twice, since groupRectangles drops groups of one.
    grouped, _ = cv2.groupRectangles(2 * together.tolist(), 1, AGREEING)
    return np.array(grouped, np.int64).reshape(-1, 4)


def _halved(grey: Image) -> Image:
    """Returns the mean of every 2 x 2 pixels; a last odd row or column is left out."""
    rows, columns = grey.shape[0] // 2, grey.shape[1] // 2
    if not (rows and columns):
        return np.zeros((0, 0), np.uint8)
    even = grey[: 2 * rows, : 2 * columns]
    return np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
