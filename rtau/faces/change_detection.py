"""Detects which regions of a video have changed since detection last covered them.

A new face can only appear there. Keeps one downsampled frame; the face tracker calls it when
detection is due, so that a static background is not processed again.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Frame
from rtau.faces.luma import averaged_grey

# Minimum longer side of the downsampled frame, px: at 640 px a pixel of it is the mean of 8 x 8.
SMALL_PX = 80
# Difference of two means that noise does not reach, grey levels: of 8 x 8 pixels with a noise of 8
# levels each, five standard deviations.
CHANGED_BY = 5
# A face extends beyond the region that has changed: regions grow by a quarter of their longer side
# and by this share of the frame's shorter side, a little more than the smallest face of `auto`.
GROWN_BY = 0.25
MARGIN = 1 / 10
# Above this share of the frame, full-frame detection is as fast and covers more.
MOST = 0.6


class ChangeDetector:
    """Keeps each region of the frame as it was when detection last covered it."""

    def __init__(self) -> None:
        """Starts empty: the first frame has changed everywhere."""
        self._before: npt.NDArray[np.uint8] | None = None
        self._size = (0, 0)

    def reset(self) -> None:
        """Drops the kept frame, as after a cut."""
        self._before = None

    def changed_regions(
        self, frame: Frame, /, *, exclude: geometry.Boxes, include: geometry.Boxes
    ) -> geometry.Boxes | None:
        """Returns the regions that have changed, and marks them as covered.

        Args:
            frame: the next frame detection runs on.
            exclude: float32 (N, 4): known faces; changes inside are ignored and not marked.
            include: float32 (K, 4): regions that are returned whether they have changed or not.

        Returns:
            float32 (M, 4), whole px inside the frame; changed regions do not overlap each other.
            None when full-frame detection is needed: on the first frame, one of another size, or
            one that has changed nearly everywhere.
        """
        before, size = self._before, (frame.width, frame.height)
        if before is None or self._size != size:
            self.mark_covered(frame)
            return None
        now, scale = _small(frame), _factor(frame)
        differs = (cv2.absdiff(now, before) >= CHANGED_BY).astype(np.uint8)
        for x0, y0, x1, y1 in _inside(exclude / scale, now).tolist():
            differs[y0:y1, x0:x1] = 0
        parts = _with(_parts(differs), _inside(_grown(include / scale), now))
        if geometry.areas(parts.astype(np.float32)).sum() > MOST * now.size:
            self._before = now
            return None
        for x0, y0, x1, y1 in parts.tolist():
            before[y0:y1, x0:x1] = now[y0:y1, x0:x1]
        # A remainder that does not fill a downsampled pixel belongs to the last one.
        edge = np.array([np.inf, np.inf, now.shape[1], now.shape[0]])
        in_frame = np.where(parts >= edge, np.array([0, 0, *size]), parts * scale)
        return np.asarray(in_frame, dtype=np.float32)

    def mark_covered(self, frame: Frame, /) -> None:
        """Marks the full frame as covered by detection."""
        self._before, self._size = _small(frame), (frame.width, frame.height)


def _factor(frame: Frame) -> int:
    """Returns the px of a frame per downsampled pixel, either way."""
    return max(max(frame.width, frame.height) // SMALL_PX, 1)


def _small(frame: Frame) -> npt.NDArray[np.uint8]:
    """Returns the frame downsampled to grey means: uint8 (h, w)."""
    factor = _factor(frame)
    return averaged_grey(frame, (0, 0, frame.width, frame.height), factor=factor)


def _grown(boxes: npt.NDArray[np.floating], *, more: float = 0.0) -> npt.NDArray[np.float64]:
    """Returns boxes grown on every side by `GROWN_BY` of the longer one, and `more`: (N, 4)."""
    wide = boxes.astype(np.float64)
    margin = GROWN_BY * (wide[:, 2:] - wide[:, :2]).max(axis=1, keepdims=True) + more
    return np.hstack([wide[:, :2] - margin, wide[:, 2:] + margin])


def _with(parts: npt.NDArray[np.int64], more: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns the parts and those of `more` that lie in none of them: int64 (M, 4).

    They are not merged: a box around a small one and the parts it touches is most of the frame.
    """
    starts, ends = parts[None, :, :2] <= more[:, None, :2], parts[None, :, 2:] >= more[:, None, 2:]
    holds = np.asarray(np.concatenate([starts, ends], axis=2).all(axis=2))  # (more, parts)
    return np.concatenate([parts, _merged(more[np.flatnonzero(~holds.any(axis=1))])])


def _parts(differs: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Returns grown boxes around the changed pixels, none overlapping: int64 (M, 4), px."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(differs, connectivity=8)
    found = stats[1:count].astype(np.float64)
    corners, sides = found[:, :2], found[:, 2:4]
    boxes = _grown(np.hstack([corners, corners + sides]), more=MARGIN * min(differs.shape))
    return _merged(_inside(boxes, differs))


def _inside(boxes: npt.NDArray[np.floating], small: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Returns boxes rounded outwards and clipped to the downsampled frame: int64 (N, 4)."""
    height, width = small.shape
    whole = np.hstack([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])])
    limit = np.array([width, height, width, height], np.float64)
    return np.asarray(np.clip(whole, 0, limit), dtype=np.int64)


def _merged(boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns boxes that cover the given ones and do not overlap: int64 (M, 4)."""
    kept: list[npt.NDArray[np.int64]] = []
    for box in boxes:
        grown = box
        while hit := [other for other in kept if _overlap(grown, other)]:
            kept = [other for other in kept if not _overlap(grown, other)]
            all_of = np.stack([grown, *hit])
            grown = np.hstack([all_of[:, :2].min(axis=0), all_of[:, 2:].max(axis=0)])
        kept.append(grown)
    return np.array(kept, np.int64).reshape(-1, 4)


def _overlap(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())
