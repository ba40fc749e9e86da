"""A portrait as it is warped: the crop around the face, its points, and what moves them.

Called by `pairs.py`, which decides what is done to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.faces import crops
from rtau.facs import AU
from rtau_train.geometry_teacher.folder import crop_square, in_square, read_bgr
from rtau_train.geometry_teacher.pictures import Portrait
from rtau_train.geometry_teacher.teacher import GeometryTeacher
from rtau_train.warping import pixels
from rtau_train.warping.displacement import AUS, UPPER_FACE

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.float32]

# Pictures are warped this many times as large as they are written.
OVERSAMPLING: Final = 2
# A face that may show an action already, by the teacher, is not given it; nor is one that the
# teacher does not know.
MOST_SCORE: Final = 2.0
# Lips are moved that are shut and at rest, lids that are open.
MOUTH: Final = ("AU12", "AU25", "AU26")
_BLINK: Final = "AU45"
_LIDS: Final = (5, 7)
_RIGHT_EYE: Final = (33, 133)
_LEFT_EYE: Final = (362, 263)


@dataclasses.dataclass(frozen=True, eq=False)
class BaseFace:
    """One face, ready to be warped."""

    name: str
    """What tables call its portrait."""
    image: Image
    """uint8 (S, S, 3), BGR, twice as large as it is written."""
    points_xy: Floats
    """float64 (478, 2), px in `image`."""
    image_from_frontal: Floats
    """float64 (3, 3): turns a move of the upright face into one of this face."""
    scores: Mapping[str, float]
    """The teacher's score of each AU, standard deviations above people's neutral faces."""
    grid: pixels.Grid

    @property
    def movable(self) -> tuple[int, ...]:
        """The AUs that may be added: none that it shows; no lips or lids that are not at rest."""
        shows = {label for label, score in self.scores.items() if score >= MOST_SCORE}
        still = UPPER_FACE if shows.intersection(MOUTH) else AUS
        return tuple(
            au
            for au in still
            if AU(au).label in self.scores.keys() - shows and not (au in _LIDS and _BLINK in shows)
        )

    @property
    def eyes_px(self) -> float:
        """Distance of the eyes in `image`."""
        return self.grid.eyes_px

    def moves_px(self, moves: Floats, /) -> Floats:
        """Returns the moves (478, 2), px, of the upright face's (478, 3), in eyes' distances."""
        return np.asarray((moves @ self.image_from_frontal.T)[:, :2] * self.eyes_px)


def base_face(
    portrait: Portrait, points: Floats, teacher: GeometryTeacher, /, *, size: int
) -> BaseFace:
    """Returns a portrait as a face to warp.

    Args:
        portrait: the picture.
        points: float64 (478, 3), px in it.
        teacher: knows landmarks, turns and scores.
        size: side of the written pictures, px.

    Raises:
        SourceOpenError: the file is no picture.
    """
    large = size * OVERSAMPLING
    square = crop_square(teacher.landmarks(points[None])[0])
    image = crops.warp_square(read_bgr(portrait.path), square, size=large)
    points_xy = in_square(points[:, :2].astype(np.float32), square, size=large).astype(np.float64)
    turned = teacher.upright(points[None])
    eyes = points_xy[list(_LEFT_EYE)].mean(axis=0) - points_xy[list(_RIGHT_EYE)].mean(axis=0)
    # Foreshortened by the turn, which the template undoes.
    share = np.linalg.norm((turned.frontal_from_face[0].T @ np.array([1.0, 0, 0]))[:2])
    eyes_px = float(np.linalg.norm(eyes) / share)
    return BaseFace(
        name=portrait.name,
        image=image,
        points_xy=points_xy,
        image_from_frontal=turned.frontal_from_face[0].T,
        scores=dict(zip(teacher.labels, teacher.scores(points[None])[0].tolist(), strict=True)),
        grid=pixels.grid(points_xy, size=large, eyes_px=eyes_px),
    )


def written(image: Image, /) -> Image:
    """Returns a picture at the side it is written with, from one twice as large."""
    side = len(image) // OVERSAMPLING
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
