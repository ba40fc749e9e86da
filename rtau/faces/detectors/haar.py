"""Detects upright faces with OpenCV's Haar cascade: coarsely in a frame, finely around a proposal.

Every returned box comes from a fine detection around a proposal or a known face, which averages all
accepted windows, so boxes and scores of both are comparable. Stateless; the measurements behind the
constants are in docs/detection.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces, Frame, Image
from rtau.errors import DetectorError
from rtau.faces.detectors.pyramid import WINDOW_PX, detect_all_sizes
from rtau.faces.detectors.window_grouping import (
    Squares,
    group_windows,
    non_maximum_suppression,
    score_from_confidence,
)
from rtau.faces.luma import averaged_grey

# x0, y0, x1, y1, whole px of a frame, half-open.
Part = Sequence[int]

CASCADE = "haarcascade_frontalface_default.xml"

# Smallest face of `auto`, as a share of the frame's shorter side: a face of a group that fills a
# video frame. Half of it takes four times as long, for crops of under 30 px at 360p.
AUTO_SHARE = 1 / 12
# Side of the smallest face in the rescaled image: a little more than the cascade's window.
SMALLEST_PX = 30.0
# Side of the smallest region, over the smallest face.
PART_SIDES = 1.5
# Contrast-limited equalisation: without it a fifth fewer dark-skinned faces are found, and no more
# light-skinned ones. Tiles much larger than a face, or a higher limit, do less.
CONTRAST_LIMIT = 2.0
WHOLE_TILE_PX = 64

# Fine detection rescales the face to this side. The cascade's steps grow finer with the window: few
# positions for a known face (1 ms), many for a proposal (3 ms).
KNOWN_PX = 32.0
PROPOSAL_PX = 64.0
# A proposal that overlaps a known face this much (intersection over union) is of that face: on the
# clips proposals of known faces share .65 and more, others .3 and less.
SEEN_IOU = 0.5
# Part of the side of a known face that is masked: windows on a face pass most stages and cost most
# time; a larger mask might hide a face beside it.
MASKED = 0.7
# Region around the proposal, in sides: a face may move by a quarter of its side between detections.
REGION = 1.4
REGION_TILES = 3
# Range of window sides relative to the proposal, and the ratio between them. A narrower range is
# faster but biases the answer towards the proposal, so that a tracked box drifts in size.
LEAST, MOST = 0.75, 1.4
SCALE_STEP = 1.15
# Threshold of the cascade's last stage, from the XML: the sum of a window that just passes.
LAST_STAGE = -2.9928278922


class HaarDetector:
    """Detector on OpenCV's frontal face cascade; not thread-safe, because OpenCV's is not."""

    def __init__(
        self, *, min_face_px: float | None = None, min_face_share: float | None = None
    ) -> None:
        """Loads the packaged cascade.

        Args:
            min_face_px: side of the smallest face, px; None uses `min_face_share`.
            min_face_share: the same as a share of the frame's height; None is 1/12 of the shorter
                side.

        Raises:
            DetectorError: this OpenCV has no cascade classifier, or cannot read the cascade.
        """
        self._min_face_px = min_face_px
        self._min_face_share = min_face_share
        self._cascade = _load_cascade()
        self._region_contrast = cv2.createCLAHE(CONTRAST_LIMIT, (REGION_TILES, REGION_TILES))

    def detect(
        self,
        frame: Frame,
        /,
        *,
        near: Faces | None = None,
        within: geometry.Boxes | None = None,
        seen: Faces | None = None,
    ) -> Faces:
        """Returns the faces near the given ones, else within regions, else in the full frame.

        Rows keep the order of `near`, otherwise they run from the top left. Faces in `seen` are
        masked and not returned.
        """
        if near is not None:
            return _suppressed(self._refine_all(frame, _squares(near.boxes_xyxy), face_px=KNOWN_PX))
        seen_xyxy = _no_faces().boxes_xyxy if seen is None else seen.boxes_xyxy
        parts = _frame_box(frame) if within is None else within
        proposals = self._propose(frame, parts, seen=_squares(seen_xyxy))
        on_seen = geometry.iou(_boxes(proposals), seen_xyxy) >= SEEN_IOU
        return _suppressed(
            self._refine_all(frame, proposals[~on_seen.any(axis=1)], face_px=PROPOSAL_PX)
        )

    def _refine_all(self, frame: Frame, proposals: Squares, *, face_px: float) -> Faces:
        """Returns the fine detections around proposals, in their order, duplicates included."""
        answers = [self._refine(frame, proposal, face_px=face_px) for proposal in proposals]
        found = [answer for answer in answers if answer is not None]
        if not found:
            return _no_faces()
        boxes = _boxes(np.array([square for square, _ in found]))
        return Faces(
            boxes_xyxy=geometry.clip(boxes, width=frame.width, height=frame.height),
            scores=np.array(
                [score_from_confidence(confidence) for _, confidence in found], np.float32
            ),
        )

    def _smallest_px(self, frame: Frame) -> float:
        """Returns the side of the smallest face to detect, px in the frame."""
        if self._min_face_px is not None:
            return self._min_face_px
        if self._min_face_share is not None:
            return max(self._min_face_share * frame.height, 1.0)
        return max(AUTO_SHARE * min(frame.width, frame.height), 1.0)

    def _propose(self, frame: Frame, parts_xyxy: geometry.Boxes, *, seen: Squares) -> Squares:
        """Returns proposals from regions of a frame: float64 (N, 3), centre x, y, side, px."""
        smallest_px = self._smallest_px(frame)
        # A region smaller than the smallest face could contain no window.
        sides = parts_xyxy[:, 2:] - parts_xyxy[:, :2]
        missing = np.maximum(PART_SIDES * smallest_px - sides, 0) / 2
        grown = parts_xyxy + np.hstack([-missing, missing])
        inside = geometry.clip(grown.astype(np.float32), width=frame.width, height=frame.height)
        found = [
            self._propose_in(frame, part, smallest_px, seen=seen)
            for part in inside.astype(int).tolist()
        ]
        proposals = np.concatenate([np.zeros((0, 3)), *found])
        return proposals[np.lexsort(proposals.T)]  # OpenCV's order depends on its threads

    def _propose_in(
        self, frame: Frame, part: Part, smallest_px: float, *, seen: Squares
    ) -> Squares:
        """Returns proposals from one region: float64 (N, 3), centre x, y, side, px."""
        # Enlarging beyond the window's size adds pixels, but no information.
        shrink = min(SMALLEST_PX / smallest_px, SMALLEST_PX / WINDOW_PX)
        width, height = _shrunk(part, shrink)
        if min(width, height) < WINDOW_PX:
            return np.zeros((0, 3))
        grey, pixel = _grey(frame, part, width=width, height=height)
        tiles = (max(round(width / WHOLE_TILE_PX), 1), max(round(height / WHOLE_TILE_PX), 1))
        equalised = np.asarray(cv2.createCLAHE(CONTRAST_LIMIT, tiles).apply(grey), dtype=np.uint8)
        corner = np.array([*part[:2], 0.0])
        _mask(equalised, (seen - corner) / np.array([*pixel, pixel.mean()]))
        smallest = max(math.floor(smallest_px * shrink), WINDOW_PX)
        rects = detect_all_sizes(self._cascade, equalised, smallest_px=smallest)
        return _in_frame(rects, pixel, corner_xy=corner[:2])

    def _refine(
        self, frame: Frame, proposal: Squares, *, face_px: float
    ) -> tuple[Squares, float] | None:
        """Returns the square of the face at a proposal and its confidence, or None."""
        part = _region(frame, proposal)
        width, height = _shrunk(part, face_px / proposal[2])
        if min(width, height) < WINDOW_PX:
            return None
        grey, pixel = _grey(frame, part, width=width, height=height)
        rects, _, sums = self._cascade.detectMultiScale3(
            self._region_contrast.apply(grey),
            SCALE_STEP,
            0,
            minSize=(math.floor(LEAST * face_px),) * 2,
            maxSize=(math.ceil(MOST * face_px),) * 2,
            outputRejectLevels=True,
        )
        squares = _in_frame(rects, pixel, corner_xy=np.array(part[:2]))
        margins = np.array(sums, np.float64).reshape(-1) - LAST_STAGE
        # OpenCV's order depends on its threads, and sums of floats depend on their order.
        order = np.lexsort([margins, *squares.T])
        return group_windows(squares[order], margins[order])


def _load_cascade() -> cv2.CascadeClassifier:
    """Returns the packaged cascade, loaded.

    Raises:
        DetectorError: this OpenCV has none, or cannot read the file.
    """
    if not hasattr(cv2, "CascadeClassifier"):
        raise DetectorError(
            f"OpenCV {cv2.__version__} has no CascadeClassifier, rtau needs one below 5: "
            'pip install "opencv-python>=4.10,<5"'
        )
    with resources.as_file(resources.files("rtau.faces.detectors") / "data" / CASCADE) as path:
        cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise DetectorError(
            f"the packaged cascade {CASCADE} is missing or broken; install rtau again: "
            "pip install --force-reinstall --no-deps rtau"
        )
    return cascade


def _no_faces() -> Faces:
    return Faces(boxes_xyxy=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))


def _suppressed(found: Faces) -> Faces:
    """Returns the faces after non-maximum suppression, in their order."""
    assert found.scores is not None, "fine detections have scores"
    rows = non_maximum_suppression(geometry.iou(found.boxes_xyxy, found.boxes_xyxy), found.scores)
    return found.select(np.array(rows, np.int64))


def _grey(
    frame: Frame, part: Part, *, width: int, height: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """Returns a region in grey, uint8 (height, width), and the frame px per pixel, (x, y).

    Averaged by a whole factor, then interpolated. Remainders at the right and the bottom are left
    out, which the returned pixel size accounts for.
    """
    x0, y0, x1, y1 = part
    factor = max(min((x1 - x0) // width, (y1 - y0) // height), 1)
    grey = averaged_grey(frame, part, factor=factor)
    pixel = np.array(grey.shape[::-1]) * factor / np.array([width, height])
    scaled = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled, dtype=np.uint8), pixel


def _shrunk(part: Part, shrink: float) -> tuple[int, int]:
    """Returns width and height of a part after shrinking, px; no more than 0 for an empty one."""
    x0, y0, x1, y1 = part
    return round((x1 - x0) * shrink), round((y1 - y0) * shrink)


def _region(frame: Frame, proposal: Squares) -> Part:
    """Returns the part of the frame around a square; it may be empty, or less."""
    half = proposal[2] * REGION / 2
    low = np.maximum(np.floor(proposal[:2] - half), 0)
    high = np.minimum(np.ceil(proposal[:2] + half), [frame.width, frame.height])
    x0, y0, x1, y1 = np.concatenate([low, high]).astype(int).tolist()
    return x0, y0, x1, y1


def _mask(grey: Image, squares: Squares) -> None:
    """Masks squares with their mean, in place, so that windows there fail in an early stage."""
    for x, y, side in squares.tolist():
        half = MASKED * side / 2
        rows = slice(max(round(y - half), 0), max(round(y + half), 0))
        columns = slice(max(round(x - half), 0), max(round(x + half), 0))
        inside = grey[rows, columns]
        if inside.size:
            inside[:] = round(float(inside.mean()))


def _frame_box(frame: Frame) -> geometry.Boxes:
    return np.array([[0, 0, frame.width, frame.height]], np.float32)


def _in_frame(
    rects: Any, pixel: npt.NDArray[np.float64], *, corner_xy: npt.NDArray[Any]
) -> Squares:
    """Returns centre x, centre y and side of OpenCV's (x, y, w, h) of a part, px in the frame."""
    corners = np.array(rects, np.float64).reshape(-1, 4)
    squares = np.empty((len(corners), 3))
    squares[:, :2] = (corners[:, :2] + corners[:, 2:] / 2) * pixel + corner_xy
    squares[:, 2] = corners[:, 2] * ((pixel[0] + pixel[1]) / 2)
    return squares


def _squares(boxes_xyxy: geometry.Boxes) -> Squares:
    """Returns centre x, centre y and mean side of boxes: float64 (N, 3)."""
    boxes = boxes_xyxy.astype(np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.column_stack([boxes[:, :2] + sides / 2, np.maximum(sides.mean(axis=1), 1.0)])


def _boxes(squares: Squares) -> geometry.Boxes:
    """Returns the boxes of squares: float32 (N, 4)."""
    half = squares[:, 2:] / 2
    return np.hstack([squares[:, :2] - half, squares[:, :2] + half]).astype(np.float32)
