"""Finds the 68 points of generated portraits and photographs with the Action Unit network.

The largest face of a picture that Haar finds, or else its middle, is cut, its landmarks are read,
and it is cut again along them: after a few rounds first boxes do not matter. Called by `faces.py`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.backends import open_engine
from rtau.data import Crops, Frame, Image
from rtau.errors import SourceOpenError
from rtau.faces import crops
from rtau.faces.detectors.haar import HaarDetector
from rtau.protocols import Engine
from rtau_train.datasets.canonical_square import boxes_under, canonical_squares
from rtau_train.datasets.prepare.cutting import most_prominent

Floats = npt.NDArray[np.float32]

_ROUNDS: Final = 6
# Side of the first square on a picture without a detected face, over the picture's shorter side.
_MIDDLE: Final = 0.7
# Points that move by less between two rounds, in sides of the square, are believed.
_STILL: Final = 0.02


@dataclasses.dataclass(frozen=True)
class PointedPicture:
    """A picture of one person and the points of the face."""

    image_bgr: Image
    """uint8 (H, W, 3)."""
    landmarks_xy: Floats
    """float32 (68, 2), iBUG's order, px in the picture."""
    haar_box_xyxy: Floats | None
    """float32 (4,): what the detector gave; None where it found nothing."""
    path: Path
    """Where the picture is."""


def pointed(paths: Sequence[Path], /, *, model: str, fills: bool) -> list[PointedPicture]:
    """Returns the pictures whose points were found.

    Args:
        paths: picture files.
        model: name or file of a network with landmarks.
        fills: True where faces fill their pictures: one without a box is looked for in the middle.
            Elsewhere the middle may be a shirt, on which points settle as well.

    Raises:
        SourceOpenError: a file is no picture.
    """
    detector = HaarDetector(min_face_share=1 / 4)
    found = []
    with contextlib.closing(open_engine(model, provider="cpu", threads=1)) as engine:
        for path in paths:
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise SourceOpenError(f"{path}: not a picture that OpenCV reads")
            image_bgr = np.asarray(image, np.uint8)
            box = haar_box(image_bgr, detector)
            if box is None and not fills:
                continue
            first = middle_box(image_bgr) if box is None else box
            points = _landmarks(image_bgr, first, engine)
            if points is not None:
                found.append(PointedPicture(image_bgr, points, box, path))
    return found


def haar_box(image_bgr: Image, detector: HaarDetector, /) -> Floats | None:
    """Returns the most prominent box the detector proposes, float32 (4,) xyxy px, or None.

    The picture is padded by its border first: the detector needs some room around a face.
    """
    pad = max(image_bgr.shape[:2]) // 4
    padded = cv2.copyMakeBorder(image_bgr, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    frame = Frame(0, 0.0, np.asarray(padded, np.uint8))
    faces = detector.detect(frame)
    if not len(faces):
        return None
    box = faces.boxes_xyxy[most_prominent(faces, frame)]
    return np.asarray(box - np.float32(pad), np.float32)


def middle_box(image_bgr: Image, /) -> Floats:
    """Returns where the face of a portrait is if nothing is known of it: float32 (4,) px."""
    height, width = image_bgr.shape[:2]
    half = _MIDDLE * min(height, width) / 2
    middle = (width / 2, height / 2)
    return np.array(
        [middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half], np.float32
    )


def _landmarks(image_bgr: Image, box_xyxy: Floats, engine: Engine) -> Floats | None:
    """Returns the points of the face around a box, (68, 2) px, or None if they do not settle."""
    contract = engine.contract
    assert contract.landmarks is not None, "the Action Unit network gives landmarks"
    last: Floats | None = None
    for _ in range(_ROUNDS):
        rule = contract.crop
        square = geometry.square(
            box_xyxy[None], expand=rule.expand, offset_x=rule.offset_x, offset_y=rule.offset_y
        )
        size = contract.input_size
        crop = crops.warp_square(image_bgr, square[0], size=size)[None, ..., ::-1]
        maps = geometry.frame_from_crop(square, size=size)
        one = Crops(np.ascontiguousarray(crop), maps, np.zeros(1, np.int64))
        scores = engine.infer(one)
        assert scores.landmarks_xy is not None, "a model with landmarks gives them"
        points = geometry.apply(maps, scores.landmarks_xy)
        side = float(square[0, 2] - square[0, 0])
        if last is not None and np.abs(points[0] - last).mean() < _STILL * side:
            return np.asarray(points[0], np.float32)
        last = points[0]
        squares = canonical_squares(
            points,
            side_over_landmark_box=contract.landmarks.side_over_landmark_box,
            lift=contract.landmarks.lift,
        )
        box_xyxy = boxes_under(squares, rule)[0]
    return None
