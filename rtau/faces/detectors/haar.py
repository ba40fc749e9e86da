"""Finds upright faces with OpenCV's Haar cascade: the whole frame coarsely, one face finely.

Every box it returns, from either search, comes from a look around a guess that weighs all windows
there, so boxes and scores of both mean the same. Keeps no state between frames and follows nobody
(the face tracker does); the figures behind the constants are in docs/detection.md.
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
from rtau.faces.detectors.pyramid import WINDOW_PX, hits_of_all_sizes
from rtau.faces.detectors.window_grouping import Squares, distinct, gather, score_of
from rtau.faces.luma import averaged_grey

# x0, y0, x1, y1, whole px of a frame, half-open.
Part = Sequence[int]

CASCADE = "haarcascade_frontalface_default.xml"

# Smallest face of `auto`, as a share of the frame's shorter side: a face of a group that fills a
# video frame. Half of it costs four times the time and a crop of under 30 px at 360p says little.
AUTO_SHARE = 1 / 12
# Side the smallest face gets in the picture that is searched: a little more than the window.
SMALLEST_PX = 30.0
# Side of the smallest part that is searched, over the smallest face.
PART_SIDES = 1.5
# Contrast-limited equalisation: without it a fifth fewer dark-skinned faces are found, and no more
# light-skinned ones. Tiles much larger than a face, or a higher limit, do less.
CONTRAST_LIMIT = 2.0
WHOLE_TILE_PX = 64

# A look brings the face to a side at which the cascade, whose steps grow finer with the window,
# tries few places (a face that is followed: 1 ms) or many (a first guess that needs judging: 3 ms).
FOLLOWED_PX = 32.0
FIRST_PX = 64.0
# A guess that shares this much (intersection over union) with a face that was seen is of that face:
# on the clips guesses of seen faces share .65 and more, others .3 and less.
SEEN_IOU = 0.5
# Part of the side of a face seen that is covered in a search: windows on a face pass most stages
# and are the dearest, but more might hide a face beside it.
COVER = 0.7
# Region around the guess, in sides: a face may move by a quarter of itself between looks.
REGION = 1.4
REGION_TILES = 3
# Sides looked for, relative to the guess, and the step between them. A narrow range is cheaper,
# but the answer then leans on the guess, and a face followed that way shrinks or grows by itself.
LEAST, MOST = 0.75, 1.4
SCALE_STEP = 1.15
# Threshold of the cascade's last stage, as in the XML: what a window that just passes sums up to.
LAST_STAGE = -2.9928278922


class HaarDetector:
    """Detector on OpenCV's frontal face cascade; not thread-safe, as OpenCV's is not."""

    def __init__(
        self, *, min_face_px: float | None = None, min_face_share: float | None = None
    ) -> None:
        """Loads the packaged cascade.

        Args:
            min_face_px: smallest face looked for in the whole frame, px; None leaves it to the
                share.
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
        """Returns the faces found near the given ones, else within parts, else in the frame.

        Rows keep the order of `near`; of a search they run from the top left. What is `seen` is
        covered for a search, and not returned.
        """
        if near is not None:
            return _best_of(self._looked(frame, _squares(near.boxes_xyxy), face_px=FOLLOWED_PX))
        seen_xyxy = _nobody().boxes_xyxy if seen is None else seen.boxes_xyxy
        parts = _frame_box(frame) if within is None else within
        guesses = self._search(frame, parts, seen=_squares(seen_xyxy))
        on_seen = geometry.iou(_boxes(guesses), seen_xyxy) >= SEEN_IOU
        return _best_of(self._looked(frame, guesses[~on_seen.any(axis=1)], face_px=FIRST_PX))

    def _looked(self, frame: Frame, guesses: Squares, *, face_px: float) -> Faces:
        """Returns what looks around guesses show, in their order; some may be on one face."""
        answers = [self._look(frame, guess, face_px=face_px) for guess in guesses]
        found = [answer for answer in answers if answer is not None]
        if not found:
            return _nobody()
        boxes = _boxes(np.array([square for square, _ in found]))
        return Faces(
            boxes_xyxy=geometry.clip(boxes, width=frame.width, height=frame.height),
            scores=np.array([score_of(mass) for _, mass in found], np.float32),
        )

    def _smallest_px(self, frame: Frame) -> float:
        """Returns the side of the smallest face looked for in a frame, px in the frame."""
        if self._min_face_px is not None:
            return self._min_face_px
        if self._min_face_share is not None:
            return max(self._min_face_share * frame.height, 1.0)
        return max(AUTO_SHARE * min(frame.width, frame.height), 1.0)

    def _search(self, frame: Frame, parts_xyxy: geometry.Boxes, *, seen: Squares) -> Squares:
        """Returns first guesses from parts of a frame: float64 (N, 3), centre x, y, side, px."""
        smallest_px = self._smallest_px(frame)
        # A part must hold the smallest face, or nothing could be found in it.
        sides = parts_xyxy[:, 2:] - parts_xyxy[:, :2]
        missing = np.maximum(PART_SIDES * smallest_px - sides, 0) / 2
        grown = parts_xyxy + np.hstack([-missing, missing])
        inside = geometry.clip(grown.astype(np.float32), width=frame.width, height=frame.height)
        found = [
            self._guesses(frame, part, smallest_px, seen=seen)
            for part in inside.astype(int).tolist()
        ]
        guesses = np.concatenate([np.zeros((0, 3)), *found])
        return guesses[np.lexsort(guesses.T)]  # OpenCV's order depends on its threads

    def _guesses(self, frame: Frame, part: Part, smallest_px: float, *, seen: Squares) -> Squares:
        """Returns first guesses from a part of a frame: float64 (N, 3), centre x, y, side, px."""
        # Enlarging beyond the window's size shows the cascade nothing new, only more pixels.
        shrink = min(SMALLEST_PX / smallest_px, SMALLEST_PX / WINDOW_PX)
        width, height = _shrunk(part, shrink)
        if min(width, height) < WINDOW_PX:
            return np.zeros((0, 3))
        grey, pixel = _grey(frame, part, width=width, height=height)
        tiles = (max(round(width / WHOLE_TILE_PX), 1), max(round(height / WHOLE_TILE_PX), 1))
        equalised = np.asarray(cv2.createCLAHE(CONTRAST_LIMIT, tiles).apply(grey), dtype=np.uint8)
        corner = np.array([*part[:2], 0.0])
        _cover(equalised, (seen - corner) / np.array([*pixel, pixel.mean()]))
        smallest = max(math.floor(smallest_px * shrink), WINDOW_PX)
        rects = hits_of_all_sizes(self._cascade, equalised, smallest_px=smallest)
        return _in_frame(rects, pixel, corner_xy=corner[:2])

    def _look(
        self, frame: Frame, guess: Squares, *, face_px: float
    ) -> tuple[Squares, float] | None:
        """Returns the square of the face around a guess and its mass, or None without a face."""
        part = _region(frame, guess)
        width, height = _shrunk(part, face_px / guess[2])
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
        return gather(squares[order], margins[order])


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


def _nobody() -> Faces:
    return Faces(boxes_xyxy=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32))


def _best_of(found: Faces) -> Faces:
    """Returns the faces, in their order, so that no two are on one: the better stays."""
    assert found.scores is not None, "looks give scores"
    rows = distinct(geometry.iou(found.boxes_xyxy, found.boxes_xyxy), found.scores)
    return found.select(np.array(rows, np.int64))


def _grey(
    frame: Frame, part: Part, *, width: int, height: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """Returns a part of a frame in grey, uint8 (height, width), and the size of its pixels.

    It is averaged by a whole factor and interpolated from there. What does not fill a whole pixel
    at the right and the bottom is left out, which the size returned accounts for.
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


def _region(frame: Frame, guess: Squares) -> Part:
    """Returns the part of the frame around a square; it may be empty, or less."""
    half = guess[2] * REGION / 2
    low = np.maximum(np.floor(guess[:2] - half), 0)
    high = np.minimum(np.ceil(guess[:2] + half), [frame.width, frame.height])
    x0, y0, x1, y1 = np.concatenate([low, high]).astype(int).tolist()
    return x0, y0, x1, y1


def _cover(grey: Image, squares: Squares) -> None:
    """Fills the inside of squares with their mean, in place: no window there passes far."""
    for x, y, side in squares.tolist():
        half = COVER * side / 2
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
