"""Proposes faces with OpenCV's Haar cascade: where one may be, in a whole frame or in regions.

Bold on purpose: recall is its part, and what is no face is refused by the alignment network. Keeps
no state between frames; the figures behind the constants are in docs/detection.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.data import Faces, Frame, Image
from rtau.errors import DetectorError
from rtau.faces.detectors.pyramid import WINDOW_PX, detect_all_sizes
from rtau.faces.luma import averaged_grey

# x0, y0, x1, y1, whole px of a frame, half-open.
Region = Sequence[int]

CASCADE = "haarcascade_frontalface_default.xml"

# Smallest face of `auto`, as a share of the frame's shorter side: a face of a group that fills a
# video frame. Half of it costs four times the time and a crop of under 30 px at 360p says little.
AUTO_SHARE = 1 / 12
# Halving ends here: a smaller face says little, and the cascade's window is as large.
LEAST_PX = 24.0
# Side the smallest face gets in the picture that is searched: a little more than the window.
SMALLEST_PX = 30.0
# Side of the smallest region that is searched, over the smallest face.
REGION_SIDES = 1.5
# Contrast-limited equalisation: without it a fifth fewer dark-skinned faces are found, and no more
# light-skinned ones. Tiles much larger than a face, or a higher limit, do less.
CONTRAST_LIMIT = 2.0
TILE_PX = 64
# Middle of a known face that is blanked, over its side: faces cheek to cheek reach into the rest.
KNOWN_SIDES = 0.8


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

    def detect(
        self,
        frame: Frame,
        /,
        *,
        regions_xyxy: geometry.Boxes | None = None,
        halvings: int = 0,
        known_xyxy: geometry.Boxes | None = None,
    ) -> Faces:
        """Returns where faces may be, from the top left, without scores.

        Args:
            frame: to search.
            regions_xyxy: float32 (M, 4), px: what is searched; None for the whole frame.
            halvings: how often the side of the smallest face is halved, down to `LEAST_PX`; nothing
                is proposed where the last of them changes nothing.
            known_xyxy: float32 (K, 4), px: faces that are known, which are blanked: they take the
                cascade longest.
        """
        regions = _frame_box(frame) if regions_xyxy is None else regions_xyxy
        smallest_px = self.smallest_px(frame, halvings=halvings)
        if halvings and smallest_px == self.smallest_px(frame, halvings=halvings - 1):
            return Faces(boxes_xyxy=np.zeros((0, 4), np.float32))
        squares = self._search(frame, regions, smallest_px=smallest_px, known_xyxy=known_xyxy)
        boxes = geometry.clip(_boxes(squares), width=frame.width, height=frame.height)
        return Faces(boxes_xyxy=boxes[geometry.areas(boxes) > 0])

    def smallest_px(self, frame: Frame, /, *, halvings: int = 0) -> float:
        """Returns the side of the smallest face looked for in a frame, px in the frame."""
        side_px = AUTO_SHARE * min(frame.width, frame.height)
        if self._min_face_px is not None:
            side_px = self._min_face_px
        elif self._min_face_share is not None:
            side_px = self._min_face_share * frame.height
        return max(side_px * 0.5**halvings, min(side_px, LEAST_PX), 1.0)

    def _search(
        self,
        frame: Frame,
        regions_xyxy: geometry.Boxes,
        *,
        smallest_px: float,
        known_xyxy: geometry.Boxes | None,
    ) -> npt.NDArray[np.float64]:
        """Returns float64 (N, 3): centre x, centre y and side of each proposal, px."""
        # A region must hold the smallest face, or nothing could be found in it.
        sides = regions_xyxy[:, 2:] - regions_xyxy[:, :2]
        missing = np.maximum(REGION_SIDES * smallest_px - sides, 0) / 2
        grown = regions_xyxy + np.hstack([-missing, missing])
        inside = geometry.clip(grown.astype(np.float32), width=frame.width, height=frame.height)
        found = [
            self._search_region(frame, region, smallest_px=smallest_px, known_xyxy=known_xyxy)
            for region in inside.astype(int).tolist()
        ]
        squares = np.concatenate([np.zeros((0, 3)), *found])
        return squares[np.lexsort(squares.T)]  # OpenCV's order depends on its threads

    def _search_region(
        self,
        frame: Frame,
        region: Region,
        *,
        smallest_px: float,
        known_xyxy: geometry.Boxes | None,
    ) -> npt.NDArray[np.float64]:
        # Enlarging beyond the window's size shows the cascade nothing new, only more pixels.
        shrink = min(SMALLEST_PX / smallest_px, SMALLEST_PX / WINDOW_PX)
        width, height = (round(side * shrink) for side in _extent(region))
        if min(width, height) < WINDOW_PX:
            return np.zeros((0, 3))
        grey, pixel = _grey(frame, region, width=width, height=height)
        tiles = tuple(max(round(side / TILE_PX), 1) for side in grey.shape[::-1])
        equalised = np.asarray(cv2.createCLAHE(CONTRAST_LIMIT, tiles).apply(grey), dtype=np.uint8)
        if known_xyxy is not None:
            cores = geometry.expand(known_xyxy, KNOWN_SIDES).astype(np.float64)
            _blank(equalised, (cores - np.tile(region[:2], 2)) / np.tile(pixel, 2))
        smallest = max(math.floor(smallest_px * shrink), WINDOW_PX)
        rects = detect_all_sizes(self._cascade, equalised, smallest_px=smallest)
        corners = rects.astype(np.float64)
        centres = corners[:, :2] + corners[:, 2:] / 2
        in_frame = centres * pixel + region[:2]
        return np.column_stack([in_frame, corners[:, 2] * pixel.mean()])


def _load_cascade() -> cv2.CascadeClassifier:
    """Returns the packaged cascade, loaded.

    Raises:
        DetectorError: this OpenCV has none, or cannot read the file.
    """
    if not hasattr(cv2, "CascadeClassifier"):
        raise DetectorError(
            f"OpenCV {cv2.__version__} has no CascadeClassifier, rtau needs one below 5: "
            'pip install "opencv-python>=4.13,<5"'
        )
    with resources.as_file(resources.files("rtau.faces.detectors") / "data" / CASCADE) as path:
        cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise DetectorError(
            f"the packaged cascade {CASCADE} is missing or broken; install rtau again: "
            "pip install --force-reinstall --no-deps rtau"
        )
    return cascade


def _grey(
    frame: Frame, region: Region, *, width: int, height: int
) -> tuple[Image, npt.NDArray[np.float64]]:
    """Returns a region of a frame in grey, uint8 (height, width), and the size of its pixels.

    It is averaged by a whole factor and interpolated from there. What does not fill a whole pixel
    at the right and the bottom is left out, which the size returned accounts for.
    """
    x0, y0, x1, y1 = region
    factor = max(min((x1 - x0) // width, (y1 - y0) // height), 1)
    grey = averaged_grey(frame, region, factor=factor)
    pixel = np.array(grey.shape[::-1]) * factor / np.array([width, height])
    scaled = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled, dtype=np.uint8), pixel


def _extent(region: Region) -> tuple[int, int]:
    """Returns width and height of a region, px."""
    return region[2] - region[0], region[3] - region[1]


def _blank(grey: Image, boxes_xyxy: npt.NDArray[np.float64]) -> None:
    """Fills boxes (K, 4), px, with the mean of a picture."""
    level = float(grey.mean())
    for x0, y0, x1, y1 in np.rint(boxes_xyxy).astype(int).clip(0).tolist():
        grey[y0:y1, x0:x1] = level


def _frame_box(frame: Frame) -> geometry.Boxes:
    return np.array([[0, 0, frame.width, frame.height]], np.float32)


def _boxes(squares: npt.NDArray[np.float64]) -> geometry.Boxes:
    """Returns the boxes of squares: float32 (N, 4)."""
    half = squares[:, 2:] / 2
    return np.hstack([squares[:, :2] - half, squares[:, :2] + half]).astype(np.float32)
