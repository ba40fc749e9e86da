"""Decoded video frames become pictures: right colours, square pixels, upright, one size.

One `PictureMaker` serves one source. It takes frames of PyAV, passes on their planes or converts
them to BGR, and neither reads nor times them.
Called by the video file and the stream source.
"""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer

from rtau.data import Image, Planes
from rtau.sources.orientation import Orientation, orientation_from_matrix
from rtau.sources.planes import planes_of
from rtau.sources.tone import sdr_from_hdr, transfer_from_tag

log = logging.getLogger(__name__)

# Matrix tags (ITU-T H.273) that swscale converts; the others (YCgCo, ICtCp, ...) come out wrong.
KNOWN_MATRICES = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 9, 10})
UNSPECIFIED = 2
# swscale's own numbers of the matrices to assume.
BT709, BT601 = 1, 5
# Untagged video larger than standard definition is BT.709, as every player assumes.
SD_WIDTH, SD_HEIGHT = 1279, 576
# A pixel more than ten times as wide as high (or the reverse) is a broken header.
WIDEST_PIXEL = 10
# swscale's threads cost more than they give: 640x360 takes 1.0 ms with them and 0.5 ms without.
SCALE_THREADS = 1


class UnsupportedColours(ValueError):  # noqa: N818 - names a state
    """The colours of a video are coded in a way that cannot be converted."""


class PictureMaker:
    """Makes the pictures of one video, all of the size of the first.

    A frame of another size (a stream that changed in the middle, a server that came back) is
    scaled to fit and centred on black: encoders and trackers downstream can rely on one size.
    """

    def __init__(self, *, name: str) -> None:
        """Takes the name to use in warnings."""
        self._name = name
        self._size: tuple[int, int] | None = None
        self._warned = False

    def picture(self, frame: Any, *, aspect: Fraction | None) -> Image | Planes:
        """Returns a frame upright, in square pixels: uint8 (H, W, 3), BGR, or its planes.

        A frame that needs only a colour conversion keeps its planes: its consumer may not need all
        of it, or no colour at all.

        Args:
            frame: a decoded `av.VideoFrame`.
            aspect: width of a stored pixel over its height; None for square.

        Raises:
            UnsupportedColours: the colours cannot be converted; the text names them.
            OSError, ValueError: FFmpeg or PyAV refused the conversion.
        """
        matrix = _matrix(frame)
        transfer, orientation = transfer_from_tag(frame.color_trc), self._orientation(frame)
        size = (_square_width(frame.width, aspect), frame.height)
        is_plain = transfer is None and orientation is Orientation.STORED
        if is_plain and size == (frame.width, frame.height) == (self._size or size):
            planes = planes_of(
                frame, matrix=matrix, convert=lambda: _bgr(frame, frame.width, matrix)
            )
            if planes is not None:
                self._size = size
                return planes
        image = _bgr(frame, size[0], matrix)
        if transfer is not None:
            image = sdr_from_hdr(image, transfer)
        image = orientation.upright(image)
        if self._size is None:
            self._size = (image.shape[1], image.shape[0])
        return fitted(image, width=self._size[0], height=self._size[1])

    def _orientation(self, frame: Any) -> Orientation:
        # `frame.side_data` would be kept by the frame and keep the frame: a cycle, so that every
        # decoded picture waited for the garbage collector, 150 of them at a time.
        # PyAV's stub leaves its argument out.
        matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
        if matrix is None:
            return Orientation.STORED
        orientation = orientation_from_matrix(bytes(matrix))
        if orientation is not None:
            return orientation
        if not self._warned:
            self._warned = True
            log.warning(
                "%s: a slanted display matrix is ignored, frames stay as stored", self._name
            )
        return Orientation.STORED


def fitted(image: Image, *, width: int, height: int) -> Image:
    """Returns the picture at exactly that size: itself, or scaled to fit and centred on black."""
    have_height, have_width = image.shape[:2]
    if (have_width, have_height) == (width, height):
        return image
    scale = min(width / have_width, height / have_height)
    inner = (max(1, round(have_width * scale)), max(1, round(have_height * scale)))
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    scaled = cv2.resize(image, inner, interpolation=kernel)
    canvas[top : top + inner[1], left : left + inner[0]] = scaled
    return canvas


def _matrix(frame: Any) -> int:
    """Returns the tag of a frame's colour matrix, or of the one to assume for it.

    Raises:
        UnsupportedColours: swscale does not convert it.
    """
    if frame.colorspace not in KNOWN_MATRICES:
        raise UnsupportedColours(
            f"its colour matrix (number {frame.colorspace} of ITU-T H.273) is not supported; "
            "convert the video to BT.709 first"
        )
    if frame.colorspace == UNSPECIFIED and not frame.format.is_rgb:
        is_sd = frame.width <= SD_WIDTH and frame.height <= SD_HEIGHT
        return BT601 if is_sd else BT709
    return int(frame.colorspace)


def _bgr(frame: Any, width: int, matrix: int) -> Image:
    """Returns a frame as stored but so many square pixels wide: uint8 (H, W, 3), BGR."""
    wanted: dict[str, Any] = {"format": "bgr24", "threads": SCALE_THREADS}
    if frame.colorspace == UNSPECIFIED and not frame.format.is_rgb:
        wanted["src_colorspace"] = matrix
    if width != frame.width:
        wanted |= {"width": width, "interpolation": "BICUBIC"}
    converted = frame.reformat(**wanted)
    plane = converted.planes[0]
    image: Image = np.ndarray(
        (converted.height, converted.width, 3), np.uint8, plane, strides=(plane.line_size, 3, 1)
    )
    # A frame that was BGR already is not converted: its memory is the decoder's.
    return image.copy() if frame.format.name == "bgr24" else image


def is_believable_aspect(aspect: Fraction | None) -> bool:
    """Returns True for a shape of pixels that is told, and is not a broken header."""
    return aspect is not None and Fraction(1, WIDEST_PIXEL) <= aspect <= WIDEST_PIXEL


def _square_width(width: int, aspect: Fraction | None) -> int:
    """Returns the width at which pixels are square; the height stays, as players do it."""
    if aspect is None or not is_believable_aspect(aspect):
        return width
    return max(1, round(width * aspect))
