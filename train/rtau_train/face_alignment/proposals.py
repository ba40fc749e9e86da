"""Finds what is taken for a face and is none: Haar's bold proposals and windows the network likes.

Searches scenes whose faces are known, so nobody has to look. Called by `fit.py` before and during a
fit, and by the evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import resources
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.errors import DetectorError
from rtau.faces.detectors.haar import CASCADE
from rtau.squares import FaceSquares, squares_from_boxes
from rtau_train.face_alignment.backgrounds import Scene, shows_no_face
from rtau_train.face_alignment.flaws import Grey
from rtau_train.face_alignment.placements import any_square

Place = tuple[int, FaceSquares]
"""Number of a scene, and one square in it."""

# Sizes of the search, and the contrast-limited equalisation the runtime's detector uses.
_SCALE_STEP: Final = 1.2
_SMALLEST_PX: Final = 28
_CONTRAST_LIMIT: Final = 2.0
_TILES: Final = 4
# Proposals kept of one scene: a page of text gives hundreds.
_PER_SCENE: Final = 12
# Scatter of a proposal when it is used again, in sides, as a logarithm and as a turn.
_SHIFT, _LOG_SCALE, _TURN_RAD = 0.06, 0.1, 0.15


class BoldSearch:
    """Haar's cascade with no neighbours asked for: every window that passes is a proposal."""

    def __init__(self) -> None:
        """Loads the packaged cascade.

        Raises:
            DetectorError: it cannot be read.
        """
        with resources.as_file(resources.files("rtau.faces.detectors") / "data" / CASCADE) as path:
            self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise DetectorError(f"the packaged cascade {CASCADE} is missing or broken")
        self._contrast = cv2.createCLAHE(_CONTRAST_LIMIT, (_TILES, _TILES))

    def squares(self, image: Grey, /) -> FaceSquares:
        """Returns every window of a picture that passes, upright: N rows."""
        found = self._cascade.detectMultiScale(
            self._contrast.apply(image),
            _SCALE_STEP,
            0,
            minSize=(_SMALLEST_PX, _SMALLEST_PX),
        )
        boxes = np.array(found, np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return squares_from_boxes(boxes)


def haar_proposals(
    scenes: Sequence[Scene], /, *, numbers: Sequence[int], rng: np.random.Generator
) -> list[Place]:
    """Returns Haar's false hits on scenes of some numbers, a few of each."""
    search = BoldSearch()
    places: list[Place] = []
    for number in numbers:
        scene = scenes[number]
        squares = search.squares(scene.image)
        rows = np.flatnonzero(shows_no_face(squares, scene.face))
        kept = rng.permutation(rows)[:_PER_SCENE]
        places += [(number, one(squares, int(row))) for row in kept]
    return places


def random_places(
    scenes: Sequence[Scene], /, *, count: int, rng: np.random.Generator
) -> list[Place]:
    """Returns places drawn by lot that show no face."""
    places: list[Place] = []
    while len(places) < count:
        number = int(rng.integers(len(scenes)))
        scene = scenes[number]
        square = any_square(rng, scene.image)
        if shows_no_face(square, scene.face)[0]:
            places.append((number, square))
    return places


def scattered(places: Sequence[Place], /, *, rng: np.random.Generator) -> list[Place]:
    """Returns the places moved, scaled and turned a little."""
    return [(number, _scattered(square, rng)) for number, square in places]


def one(squares: FaceSquares, row: int, /) -> FaceSquares:
    """Returns one row of squares."""
    rows = slice(row, row + 1)
    return FaceSquares(squares.centres_xy[rows], squares.sides_px[rows], squares.rolls_rad[rows])


def chosen(places: Sequence[Place], rows: npt.NDArray[np.int64], /) -> list[Place]:
    """Returns some of the places."""
    return [places[int(row)] for row in rows]


def _scattered(square: FaceSquares, rng: np.random.Generator) -> FaceSquares:
    side = float(square.sides_px[0])
    shift = rng.normal(0, _SHIFT * side, (1, 2))
    return FaceSquares(
        centres_xy=(square.centres_xy + shift).astype(np.float32),
        sides_px=np.array([side * math.exp(rng.normal(0, _LOG_SCALE))], np.float32),
        rolls_rad=(square.rolls_rad + rng.normal(0, _TURN_RAD, 1)).astype(np.float32),
    )
