"""Cuts the crop of one image exactly as the runtime does: same tracker, same rule, same warp.

Of several faces the most prominent is taken; images that are crops already are only brought to
size. Writes nothing. Called by the workers.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.config import RunConfig
from rtau.contract import CropRule
from rtau.data import Faces, Frame, Image
from rtau.errors import SourceOpenError
from rtau.faces import crops
from rtau.runs.build import build_tracker
from rtau.sources.images import read_image
from rtau_train.datasets.prepare.listing import Dataset, SourceImage

# Presence that `rtau image` asks of a face before it is reported.
LEAST_SCORE: Final = RunConfig().find.min_confidence
JPEG_QUALITY: Final = 95


@dataclasses.dataclass(frozen=True)
class Plan:
    """How the crops of one folder are cut; all of them the same way."""

    dataset: Dataset
    size_px: int
    crop: CropRule | None
    """None for images that are crops already."""
    least_score: float = LEAST_SCORE
    border: float = 0.0
    """Repeated pixels around the image, in its sides, before a face is looked for: in a close
    portrait the detector's box may reach outside."""


@dataclasses.dataclass(frozen=True, eq=False)
class Crop:
    """One cut face."""

    image_rgb: Image
    """uint8 (S, S, 3), RGB."""
    image_from_crop: geometry.Maps
    """float32 (2, 3): carries the crop onto the source image, px; turned with the head."""
    faces: int
    """Faces found in the image, of which this is the most prominent."""


class NoCropError(ValueError):
    """An image from which no crop can be cut; the text is the reason for its rejection."""


class Cutter:
    """Cuts crops by one plan; holds a tracker, so not thread-safe."""

    def __init__(self, plan: Plan, /) -> None:
        """Opens what finds faces if the plan needs it.

        Raises:
            DetectorError: this OpenCV cannot detect faces.
        """
        self._plan = plan
        find = dataclasses.replace(RunConfig().find, min_confidence=plan.least_score)
        config = dataclasses.replace(RunConfig(), find=find)
        self._tracker = None if plan.crop is None else build_tracker(config, is_sequence=False)

    def cut(self, image: SourceImage, /) -> Crop:
        """Returns the crop of one image.

        Raises:
            NoCropError: the image cannot be read, or shows no face that can be cut.
        """
        image_bgr = pixels_of(image)
        if self._tracker is None or self._plan.crop is None:
            return _whole(image_bgr, size_px=self._plan.size_px)
        frame = Frame(index=0, time_s=0.0, picture=_bordered(image_bgr, self._plan.border))
        faces = self._tracker.track(frame).faces
        if not len(faces):
            raise NoCropError("no face found")
        face = faces.select(np.array([most_prominent(faces, frame)]))
        cut = crops.cut(frame, face, rule=self._plan.crop, size=self._plan.size_px)
        if len(cut.images_rgb) == 0:
            raise NoCropError("the face is too small or lies outside the image")
        image_from_crop = cut.frame_from_crop[0].copy()
        image_from_crop[:, 2] -= _border_px(image_bgr, self._plan.border)
        return Crop(cut.images_rgb[0], image_from_crop, len(faces))


def pixels_of(image: SourceImage, /) -> Image:
    """Returns uint8 (H, W, 3), BGR, upright; grey and 16-bit images too.

    Raises:
        NoCropError: the file is missing or no image.
    """
    if image.pixels is not None:
        return np.asarray(cv2.cvtColor(image.pixels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    try:
        return read_image(image.path)
    except SourceOpenError as error:
        raise NoCropError(str(error).removeprefix(f"{image.path}: ")) from None


def most_prominent(faces: Faces, frame: Frame, /) -> int:
    """Returns the row of the face with the largest side x (1 - distance from the centre).

    The distance is of the face's centre from the image's, over half the image's diagonal: a person
    behind the subject is small, a false box on clothes or in a corner is off centre.
    """
    low, high = faces.boxes_xyxy[:, :2], faces.boxes_xyxy[:, 2:]
    centre = np.array([frame.width, frame.height]) / 2
    distance = np.linalg.norm((low + high) / 2 - centre, axis=1) / np.linalg.norm(centre)
    prominence: npt.NDArray[np.float64] = (high - low).max(axis=1) * (1 - distance)
    return int(prominence.argmax())


def encoded(image_rgb: Image, suffix: str, /) -> bytes:
    """Returns a picture as the bytes of a file: `.png`, or `.jpg` at quality 95."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    done, coded = cv2.imencode(suffix, image_rgb[..., ::-1], settings)
    assert done, "an RGB picture can always be coded"
    return coded.tobytes()


def _border_px(image: Image, border: float) -> npt.NDArray[np.float32]:
    """Returns the widths of the border, px: float32 (2,), x and y."""
    height, width = image.shape[:2]
    return np.array([round(width * border), round(height * border)], np.float32)


def _bordered(image: Image, border: float) -> Image:
    if not border:
        return image
    x, y = (int(px) for px in _border_px(image, border))
    return np.asarray(cv2.copyMakeBorder(image, y, y, x, x, cv2.BORDER_REPLICATE), np.uint8)


def _whole(image_bgr: Image, *, size_px: int) -> Crop:
    """Returns an image that is a crop already, at the plan's size."""
    height, width = image_bgr.shape[:2]
    if height != width:
        raise NoCropError(f"a face crop must be square, got {width} x {height} px")
    square = np.array([0, 0, width, height], np.float32)
    image_rgb = np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
    if width != size_px:
        image_rgb = crops.warp_square(image_rgb, square, size=size_px)
    return Crop(image_rgb, geometry.frame_from_crop(square[None], size=size_px)[0], 1)
