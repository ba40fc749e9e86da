"""Makes training examples: crops of faces and of what is none, with presence and points.

A face is cut along its square after that was moved, scaled and turned, before any scene; what is no
face is a window of a scene, a place beside a face, a part of one, or a head from behind. Every
example falls through `flaws.py`. Called by `fit.py`, `proposals.py` and the evaluation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.squares import FaceSquares, frame_from_crop
from rtau_train.datasets.augmentation import mirrored_order
from rtau_train.face_alignment import flaws
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.placements import (
    Placement,
    any_square,
    off_face,
    on_face,
    placed,
)

Floats = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]

SIZE_PX: Final = 64
"""Side of the network's crops."""
DRAWN_PX: Final = 2 * SIZE_PX
"""Crops are composed at twice their size and averaged down."""
POINTS: Final = 68
# A face must keep this standard deviation, in grey levels, or is exposed anew.
_LEAST_CONTRAST: Final = 7.0
_TRIES: Final = 4
# Share of the examples that no flaw falls on.
_FLAWLESS: Final = 0.35
_MIRRORED: Final = mirrored_order()


@dataclasses.dataclass(frozen=True)
class Examples:
    """A batch of examples: N rows."""

    crops: Grey
    """uint8 (N, 64, 64)."""
    presence: Floats
    """float32 (N,): 1 a face, 0 none."""
    points_xy: Floats
    """float32 (N, 68, 2), px in the crop; 0 where there is no face."""

    def __len__(self) -> int:
        return len(self.presence)

    def select(self, rows: npt.NDArray[np.int64]) -> Examples:
        """Returns some rows."""
        return Examples(self.crops[rows], self.presence[rows], self.points_xy[rows])


def joined(parts: Sequence[Examples], /) -> Examples:
    """Returns the rows of several batches."""
    return Examples(
        np.concatenate([part.crops for part in parts]),
        np.concatenate([part.presence for part in parts]),
        np.concatenate([part.points_xy for part in parts]),
    )


def faces(
    rng: np.random.Generator,
    cutouts: Sequence[Cutout],
    scenes: Sequence[Scene],
    /,
    *,
    count: int,
    expand: float,
) -> Examples:
    """Returns crops of faces: placed as a search or a follower might, before any scene.

    Args:
        rng: draws everything.
        cutouts: of faces.
        scenes: what may stand behind them.
        count: crops to make.
        expand: side of a crop over the side of its square.
    """
    crops = np.empty((count, SIZE_PX, SIZE_PX), np.uint8)
    points = np.empty((count, POINTS, 2), np.float32)
    for row in range(count):
        cutout = cutouts[int(rng.integers(len(cutouts)))]
        shown, places = composed(rng, cutout, on_face(rng), scenes=scenes, expand=expand)
        if rng.random() < 0.22:
            shown = flaws.covered(rng, shown, landmarks_xy=places)
        if rng.random() < 0.15:
            shown = flaws.cut_by_frame(rng, shown, most=0.3)
        crops[row] = _visible(rng, shown)
        points[row] = places * np.float32(SIZE_PX / DRAWN_PX)
    return Examples(crops, np.ones(count, np.float32), points)


def near_faces(
    rng: np.random.Generator,
    cutouts: Sequence[Cutout],
    scenes: Sequence[Scene],
    /,
    *,
    count: int,
    expand: float,
) -> Examples:
    """Returns crops that hold parts of heads and are no crops of a face.

    Beside the face, much too large or small, upside down, or on the back of a head.
    """
    crops = np.empty((count, SIZE_PX, SIZE_PX), np.uint8)
    for row in range(count):
        cutout = cutouts[int(rng.integers(len(cutouts)))]
        placement = on_face(rng) if cutout.is_back else off_face(rng)
        drawn, _ = composed(rng, cutout, placement, scenes=scenes, expand=expand)
        crops[row] = _spoilt(rng, drawn)
    return _of_none(crops)


def windows(
    rng: np.random.Generator,
    scenes: Sequence[Scene],
    places: Sequence[tuple[int, FaceSquares]],
    /,
    *,
    expand: float,
) -> Examples:
    """Returns crops of scenes along squares: pairs of a scene's number and one square."""
    crops = np.empty((len(places), SIZE_PX, SIZE_PX), np.uint8)
    for row, (number, square) in enumerate(places):
        drawn = cut(scenes[number].image, square, expand=expand, size=DRAWN_PX)
        crops[row] = _spoilt(rng, drawn)
    return _of_none(crops)


def mirrored(examples: Examples, rows: npt.NDArray[np.bool_], /) -> Examples:
    """Returns the examples, those of a mask with left and right swapped."""
    crops, points = examples.crops.copy(), examples.points_xy.copy()
    crops[rows] = crops[rows, :, ::-1]
    flipped = points[rows][:, _MIRRORED]
    flipped[..., 0] = SIZE_PX - flipped[..., 0]
    points[rows] = flipped
    return Examples(crops, examples.presence, points)


def cut(image: Grey, square: FaceSquares, /, *, expand: float, size: int) -> Grey:
    """Returns the crop along one square: uint8 (size, size); the border is repeated outside."""
    maps = frame_from_crop(square, size=size, expand=expand)
    return np.asarray(
        cv2.warpAffine(
            image,
            geometry.warp_matrix(maps[0]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def averaged(image: Grey, size: int, /) -> Grey:
    """Returns a picture shrunk to (size, size): every pixel the mean of what it covers."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(image: Grey, size: int, /) -> Grey:
    """Returns a picture enlarged to (size, size), as a warp of a small face does."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def composed(
    rng: np.random.Generator,
    cutout: Cutout,
    placement: Placement,
    /,
    *,
    scenes: Sequence[Scene],
    expand: float,
) -> tuple[Grey, Floats]:
    """Returns a head before a scene, uint8 (128, 128), and its points there, px."""
    square = placed(cutout.square, placement)
    maps = frame_from_crop(square, size=DRAWN_PX, expand=expand)
    matrix = geometry.warp_matrix(maps[0])
    size, flags = (DRAWN_PX, DRAWN_PX), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    held = cv2.warpAffine(cutout.grey, matrix, size, flags=flags)
    cover = cv2.warpAffine(cutout.cover, matrix, size, flags=flags)
    ground = cut(*_behind(rng, scenes), expand=1.0, size=DRAWN_PX)
    shown = cv2.multiply(ground, np.uint8(255) - cover, scale=1 / 255)
    points = geometry.apply(geometry.invert(maps), cutout.landmarks_xy[None])[0]
    return np.asarray(cv2.add(held, shown), np.uint8), np.asarray(points, np.float32)


def _behind(rng: np.random.Generator, scenes: Sequence[Scene]) -> tuple[Grey, FaceSquares]:
    """Returns a scene without a face and a square in it, to stand behind a head."""
    while True:
        scene = scenes[int(rng.integers(len(scenes)))]
        if scene.face is None:
            return scene.image, any_square(rng, scene.image)


def _visible(rng: np.random.Generator, drawn: Grey) -> Grey:
    """Returns the crop after flaws that leave something of a face to be seen."""
    if rng.random() < _FLAWLESS:
        return averaged(drawn, SIZE_PX)
    middle = slice(SIZE_PX // 4, 3 * SIZE_PX // 4)
    for _ in range(_TRIES):
        crop = flaws.photographed(rng, flaws.exposed(rng, drawn), size=SIZE_PX)
        if crop[middle, middle].std() >= _LEAST_CONTRAST:
            return crop
    return flaws.photographed(rng, drawn, size=SIZE_PX)


def _spoilt(rng: np.random.Generator, drawn: Grey) -> Grey:
    if rng.random() < _FLAWLESS:
        return averaged(drawn, SIZE_PX)
    if rng.random() < 0.12:
        drawn = flaws.cut_by_frame(rng, drawn, most=0.4)
    return flaws.photographed(rng, flaws.exposed(rng, drawn), size=SIZE_PX)


def _of_none(crops: Grey) -> Examples:
    count = len(crops)
    return Examples(crops, np.zeros(count, np.float32), np.zeros((count, POINTS, 2), np.float32))
