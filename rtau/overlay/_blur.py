"""Makes faces unrecognisable in the annotated picture.

A hidden face becomes a few averaged blocks, smoothed, from which it cannot be restored. Tentative
faces and faces lost less than a second ago are hidden too.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import FrameResult, Image
from rtau.geometry import SAME_FACE_IOU, expand, iou
from rtau.overlay.canvas import Canvas
from rtau.overlay.sprite import blend

# Blocks across a hidden region. A face box is about 5 of them wide; recognition by people starts
# near 16 blocks across a face (Harmon & Julesz 1973).
_BLOCKS = 8
# Detector boxes end inside the face: chin, hair and ears lie outside.
_EXPAND = 1.6
# A face that is lost is usually still in the picture: its last box stays hidden this long.
_KEEP_S = 1.0
# Regions are subsampled to at most this side before averaging: a face in a 4K frame costs no more.
_SUBSAMPLED_PX = 256


class HiddenFaces:
    """The boxes to hide, with those of the last second: no face shows between detections."""

    def __init__(self) -> None:
        self._tracks: dict[int, tuple[float, npt.NDArray[np.float32]]] = {}
        self._tentative: list[tuple[float, npt.NDArray[np.float32]]] = []

    def update(self, result: FrameResult) -> npt.NDArray[np.float32]:
        """Returns the boxes to hide in this frame, enlarged: float32 (N, 4), px, frame space."""
        now_s = result.frame.time_s
        assert result.faces.track_ids is not None
        for track_id, box in zip(result.faces.track_ids, result.faces.boxes_xyxy, strict=True):
            self._tracks[int(track_id)] = (now_s, box)
        self._tracks = {
            track_id: (seen_s, box)
            for track_id, (seen_s, box) in self._tracks.items()
            if now_s - seen_s <= _KEEP_S
        }
        fresh = [box for seen_s, box in self._tracks.values() if seen_s == now_s]
        fresh += list(result.tentative_xyxy)
        self._tentative = [
            (seen_s, box)
            for seen_s, box in self._tentative
            if now_s - seen_s <= _KEEP_S and not _is_among(box, fresh)
        ]
        self._tentative += [(now_s, box) for box in result.tentative_xyxy]
        boxes = [box for _, box in self._tracks.values()] + [box for _, box in self._tentative]
        if not boxes:
            return np.zeros((0, 4), np.float32)
        return expand(np.stack(boxes), _EXPAND)


def _is_among(box: npt.NDArray[np.float32], others: list[npt.NDArray[np.float32]]) -> bool:
    return bool(others) and bool((iou(box[None], np.stack(others)) >= SAME_FACE_IOU).any())


def hide(canvas: Canvas, box_xyxy: npt.NDArray[np.float32]) -> None:
    """Makes the content of a box unrecognisable, in place.

    Args:
        canvas: the picture.
        box_xyxy: float32 (4,), px, frame space; may reach out of the frame.
    """
    for layer in canvas.layers:
        _hide(layer.pixels, box_xyxy / np.float32(layer.step))


def _hide(image: Image, box_xyxy: npt.NDArray[np.float32]) -> None:
    """Hides a box, in px of the array, in uint8 (h, w, 3) or (h, w), in place."""
    height, width = image.shape[:2]
    left, top = (int(v) for v in np.floor(box_xyxy[:2]))
    right, bottom = (int(v) for v in np.ceil(box_xyxy[2:]))
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if x0 >= x1 or y0 >= y1:
        return
    every = max(1, max(x1 - x0, y1 - y0) // _SUBSAMPLED_PX)
    sampled = np.ascontiguousarray(image[y0:y1:every, x0:x1:every])
    blocks = cv2.resize(sampled, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
    flat = cv2.resize(blocks, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    # The mask is that of the whole box: where the frame clips the box, no corner is rounded.
    size = (right - left, bottom - top)
    whole = cv2.resize(_inverse_alpha(), size, interpolation=cv2.INTER_LINEAR)
    inverse_alpha = np.ascontiguousarray(whole[y0 - top : y1 - top, x0 - left : x1 - left])
    if image.ndim == 3:
        inverse_alpha = np.asarray(cv2.cvtColor(inverse_alpha, cv2.COLOR_GRAY2BGR), np.uint8)
    source = cv2.multiply(flat, cv2.bitwise_not(inverse_alpha), dst=flat, scale=1 / 255)
    blend(image[y0:y1, x0:x1], source, inverse_alpha)


@functools.lru_cache(maxsize=1)
def _inverse_alpha() -> Image:
    """Returns the blurred region's mask: 0 in the middle, 255 in the corners, soft between.

    uint8 (side, side): enlarging one channel costs a third of enlarging three.
    """
    side = 128
    centre = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1
    # A superellipse: between a rounded square and an ellipse, so ears and chin are covered.
    radius = (np.abs(centre[:, None]) ** 3 + np.abs(centre[None, :]) ** 3) ** (1 / 3)
    alpha = np.clip((1.0 - radius) / 0.1, 0, 1)
    return np.asarray(np.round(255 * (1 - alpha)), np.uint8)
