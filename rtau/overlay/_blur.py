"""Faces made unrecognisable in the annotated picture.

A hidden face is a handful of averaged blocks, smoothed: what is left of it cannot be sharpened
back. Also hides faces not yet confirmed and faces just lost. Called by compose.py.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import FrameResult, Image
from rtau.geometry import expand, iou
from rtau.overlay.canvas import Canvas
from rtau.overlay.palette import blend

# Blocks across a hidden region. A face box is about 5 of them wide; recognition by people starts
# near 16 blocks across a face (Harmon & Julesz 1973).
_BLOCKS = 8
# Detector boxes end inside the face: chin, hair and ears lie outside.
_GROW = 1.6
# A lost face is still there more often than not; its place stays hidden this long.
_LINGER_S = 1.0
# A box that overlaps a present one this much is the same face.
_SAME_IOU = 0.3
# Regions are thinned to at most this before averaging, so that a 4K face costs no more.
_THIN_PX = 256


class HiddenFaces:
    """Remembers where faces were a moment ago, so that none flashes up between detections."""

    def __init__(self) -> None:
        self._tracks: dict[int, tuple[float, npt.NDArray[np.float32]]] = {}
        self._loose: list[tuple[float, npt.NDArray[np.float32]]] = []

    def update(self, result: FrameResult) -> npt.NDArray[np.float32]:
        """Returns the boxes to hide in this frame, grown: float32 (N, 4), frame space."""
        now_s = result.frame.time_s
        assert result.faces.track_ids is not None
        for track_id, box in zip(result.faces.track_ids, result.faces.boxes_xyxy, strict=True):
            self._tracks[int(track_id)] = (now_s, box)
        self._tracks = {
            track_id: (seen_s, box)
            for track_id, (seen_s, box) in self._tracks.items()
            if now_s - seen_s <= _LINGER_S
        }
        fresh = [box for seen_s, box in self._tracks.values() if seen_s == now_s]
        fresh += list(result.tentative_xyxy)
        self._loose = [
            (seen_s, box)
            for seen_s, box in self._loose
            if now_s - seen_s <= _LINGER_S and not _is_among(box, fresh)
        ]
        self._loose += [(now_s, box) for box in result.tentative_xyxy]
        boxes = [box for _, box in self._tracks.values()] + [box for _, box in self._loose]
        if not boxes:
            return np.zeros((0, 4), np.float32)
        return expand(np.stack(boxes), _GROW)


def _is_among(box: npt.NDArray[np.float32], others: list[npt.NDArray[np.float32]]) -> bool:
    return bool(others) and bool((iou(box[None], np.stack(others)) >= _SAME_IOU).any())


def hide(canvas: Canvas, box_xyxy: npt.NDArray[np.float32]) -> None:
    """Makes what lies in a box unrecognisable, in place; the box may reach out of the picture."""
    for layer in canvas.layers:
        _hide(layer.pixels, box_xyxy / np.float32(layer.step))


def _hide(image: Image, box_xyxy: npt.NDArray[np.float32]) -> None:
    """Does so in an array of a picture, uint8 (h, w, 3) or (h, w); the box is in its pixels."""
    height, width = image.shape[:2]
    left, top = (int(v) for v in np.floor(box_xyxy[:2]))
    right, bottom = (int(v) for v in np.ceil(box_xyxy[2:]))
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if x0 >= x1 or y0 >= y1:
        return
    thin = max(1, max(x1 - x0, y1 - y0) // _THIN_PX)
    seen = np.ascontiguousarray(image[y0:y1:thin, x0:x1:thin])
    blocks = cv2.resize(seen, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    flat = cv2.resize(blocks, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    # The soft shape belongs to the whole box: cut at the frame's edge it has no round corner there.
    whole = cv2.resize(_keep(), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    keep = np.ascontiguousarray(whole[y0 - top : y1 - top, x0 - left : x1 - left])
    if image.ndim == 3:
        keep = np.asarray(cv2.cvtColor(keep, cv2.COLOR_GRAY2BGR), np.uint8)
    paint = cv2.multiply(flat, cv2.bitwise_not(keep), dst=flat, scale=1 / 255)
    blend(image[y0:y1, x0:x1], paint, keep)


@functools.lru_cache(maxsize=1)
def _keep() -> Image:
    """Returns what stays of the frame: nothing in the middle, all in the corners, soft between.

    uint8 (side, side), 255 = all: one channel is a third of the work to enlarge.
    """
    side = 128
    centre = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1
    # A superellipse: between a rounded square and an ellipse, so ears and chin are covered.
    radius = (np.abs(centre[:, None]) ** 3 + np.abs(centre[None, :]) ** 3) ** (1 / 3)
    alpha = np.clip((1.0 - radius) / 0.1, 0, 1)
    return np.asarray(np.round(255 * (1 - alpha)), np.uint8)
