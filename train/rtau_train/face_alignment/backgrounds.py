"""Gathers scenes whose faces are known: drawn ones, pictures, portraits, pasted heads.

A scene is what windows without a face are cut from, and what stands behind faces. Called by
`command.py` and the evaluation; `examples.py` and `proposals.py` cut.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.errors import SourceOpenError
from rtau.squares import FaceSquares
from rtau_train.face_alignment import scenes
from rtau_train.face_alignment.faces import Cutout

Grey = npt.NDArray[np.uint8]

# Pictures in the public domain or under CC0 that scikit-image ships, without a person in them
# (`skimage.data`, docstrings of the functions of the same names).
FREE_PICTURES: Final = {
    "brick.png": "bricks, CC0Textures, CC0",
    "cell.png": "a cell, Pixel Analysis of the JUMP consortium's documentation, CC0",
    "chelsea.png": "a cat, Stefan van der Walt, CC0",
    "clock_motion.png": "a clock, Stefan van der Walt, public domain",
    "coffee.png": "a cup of coffee, Rachel Michetti, CC0",
    "grass.png": "grass, CC0Textures, CC0",
    "gravel.png": "gravel, CC0Textures, CC0",
    "horse.png": "the outline of a horse, Andreas Preuss, CC0",
    "hubble_deep_field.jpg": "galaxies, NASA, public domain",
    "microaneurysms.png": "a retina, Andreas Maier, CC0",
    "retina.jpg": "a retina, Mikael Häggström, CC0",
    "rocket.jpg": "a rocket before its start, SpaceX, public domain",
    "text.png": "handwriting, public domain",
}
# A window on a face is none of a face if it is further off than this, in sides of the larger of
# both squares, or larger or smaller by this factor.
FAR: Final = 0.5
OTHER_SIZE: Final = 2.1
_TILE_PX: Final = 256
_TILES: Final = 24


@dataclasses.dataclass(frozen=True)
class Scene:
    """A picture and the only face in it."""

    image: Grey
    """uint8 (H, W)."""
    face: FaceSquares | None
    """One row, px; None without a face."""
    kind: str
    """What it shows: a kind of `scenes.KINDS`, or where it is from."""


def drawn(*, count: int, seed: int) -> Iterator[Scene]:
    """Yields drawn scenes, the kinds in turn."""
    for index in range(count):
        kind = scenes.KINDS[index % len(scenes.KINDS)]
        image = scenes.drawn_scene(kind, seed=seed, index=index // len(scenes.KINDS))
        yield Scene(image, None, kind)


def free_pictures(folder: Path, /, *, names: Sequence[str], seed: int) -> list[Scene]:
    """Returns tiles of several sizes of pictures without people.

    Raises:
        SourceOpenError: a picture is missing or broken.
    """
    rng = np.random.default_rng(seed)
    tiles = []
    for name in names:
        image = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise SourceOpenError(f"{folder / name}: not a picture that OpenCV reads")
        picture = np.asarray(image, np.uint8)
        tiles += [Scene(_tile(rng, picture), None, "free pictures") for _ in range(_TILES)]
    return tiles


def portrait(cutout: Cutout, /) -> Scene:
    """Returns a portrait as a scene: clothes, hair and room around its face."""
    return Scene(cutout.grey, cutout.square, "portraits")


def pasted(rng: np.random.Generator, cutout: Cutout, behind: Scene, /) -> Scene:
    """Returns a head before a scene without people, its face known; a back of a head is none."""
    scale = float(np.exp(rng.uniform(np.log(0.35), np.log(1.6))))
    middle = np.array(cutout.grey.shape[::-1]) / 2
    place = rng.uniform(0.25, 0.75, 2) * _TILE_PX
    angle = float(rng.normal(0, 12))
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, scale)
    matrix = np.asarray(matrix, np.float64)
    matrix[:, 2] = matrix[:, 2] + place - middle
    size = (_TILE_PX, _TILE_PX)
    held = cv2.warpAffine(cutout.grey, matrix, size)
    cover = np.asarray(cv2.warpAffine(cutout.cover, matrix, size), np.float32) / 255
    ground = cv2.resize(behind.image, size, interpolation=cv2.INTER_AREA)
    image = np.clip(held + (1 - cover) * ground, 0, 255).astype(np.uint8)
    if cutout.is_back:
        return Scene(image, None, "rendered backs of heads")
    centre = geometry.apply(matrix[None].astype(np.float32), cutout.square.centres_xy[None])
    square = FaceSquares(
        centres_xy=np.asarray(centre[0], np.float32),
        sides_px=(cutout.square.sides_px * np.float32(scale)).astype(np.float32),
        rolls_rad=(cutout.square.rolls_rad - np.float32(np.radians(angle))).astype(np.float32),
    )
    return Scene(image, square, "around faces")


def shows_no_face(windows: FaceSquares, face: FaceSquares | None, /) -> npt.NDArray[np.bool_]:
    """Returns bool (N,): windows so far off a face, or of so other a size, that they show none."""
    if face is None:
        return np.ones(len(windows), np.bool_)
    distance = np.hypot(*(windows.centres_xy - face.centres_xy).T)
    larger = np.maximum(windows.sides_px, face.sides_px)
    ratio = np.maximum(windows.sides_px / face.sides_px, face.sides_px / windows.sides_px)
    return np.asarray((distance > FAR * larger) | (ratio > OTHER_SIZE), np.bool_)


def _tile(rng: np.random.Generator, image: Grey) -> Grey:
    """Returns a square part of a picture, of any size, scaled to a tile."""
    height, width = image.shape
    side = int(min(height, width) * rng.uniform(0.25, 1.0))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    part = image[y : y + side, x : x + side]
    way = cv2.INTER_AREA if side > _TILE_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (_TILE_PX, _TILE_PX), interpolation=way), np.uint8)
