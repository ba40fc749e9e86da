"""Draws scenes without people, each of one named kind: what a detector takes for faces.

A scene depends on its seed and number only. The kinds are also the rows of the card's table of
false hits. Called by `backgrounds.py` and the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.face_alignment import fabrics, surfaces, things
from rtau_train.face_alignment.noise import Floats, lit

Grey = npt.NDArray[np.uint8]

SIZE_PX: Final = 256
_SURFACES: Final[dict[str, Callable[[np.random.Generator, int], Floats]]] = {
    "knitwear": fabrics.knitwear,
    "denim": fabrics.denim,
    "argyle": fabrics.argyle,
    "checks": fabrics.checks,
    "stripes": fabrics.stripes,
    "dots": fabrics.dots,
    "plain cloth": fabrics.plain_cloth,
    "foliage": surfaces.foliage,
    "wood": surfaces.wood,
    "brick": surfaces.brick,
    "page": surfaces.page,
    "whiteboard": surfaces.whiteboard,
    "books": surfaces.books,
    "wall": surfaces.wall,
    "noise": surfaces.noise,
}
_THINGS: Final[dict[str, Callable[[np.random.Generator, Floats], None]]] = {
    "shoes": things.shoe,
    "hands": things.hand,
    "backs of heads": things.hair,
    "ears": things.ear,
    "lamps": things.lamp,
    "plants": things.plant,
    "round things": things.round_thing,
    "panels with marks": things.blobs,
}
KINDS: Final = (*_SURFACES, *_THINGS)
_MIXED_SHARE: Final = 0.3


def drawn_scene(kind: str, /, *, seed: int, index: int) -> Grey:
    """Returns scene `index` of a kind and a seed: uint8 (256, 256), grey."""
    rng = np.random.default_rng([seed, KINDS.index(kind), index])
    if kind in _SURFACES:
        image = _SURFACES[kind](rng, SIZE_PX)
        if rng.random() < _MIXED_SHARE:
            image = _beside(rng, image)
    else:
        below = str(rng.choice(list(_SURFACES)))
        image = _SURFACES[below](rng, SIZE_PX)
        image = np.ascontiguousarray(image, dtype=np.float32)
        for _ in range(int(rng.integers(1, 7))):
            _THINGS[kind](rng, image)
    return _photographed(rng, image)


def _beside(rng: np.random.Generator, image: Floats) -> Floats:
    """Returns the picture with another surface on one side of an edge, as cloth before a wall."""
    other = _SURFACES[str(rng.choice(list(_SURFACES)))](rng, SIZE_PX)
    corner = rng.uniform(0.2, 0.8, 2) * SIZE_PX
    far = rng.uniform(-1, 2, (4, 2)) * SIZE_PX
    mask = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.vstack([corner, far]).astype(np.int32)), 1)
    return np.asarray(np.where(mask > 0, other, image), np.float32)


def _photographed(rng: np.random.Generator, image: Floats) -> Grey:
    shaded = lit(rng, image)
    if rng.random() < 0.4:
        shaded = np.asarray(cv2.GaussianBlur(shaded, (0, 0), float(rng.uniform(0.4, 2.5))))
    return np.asarray(np.clip(shaded * 255, 0, 255), np.uint8)
