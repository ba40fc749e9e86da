"""Makes examples of free and of covered faces: crops as a tracker cuts them, and labels.

Both kinds come of the same faces, before the same scenes, through the same flaws. A label says what
is hidden in fact (`covers.py`); pictures in between are drawn anew. Called by `material.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.examples import SIZE_PX, averaged, composed
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.placements import Placement, on_face
from rtau_train.face_occlusion import covers
from rtau_train.face_occlusion.covers import Hidden
from rtau_train.face_occlusion.painting import Floats, face_frame
from rtau_train.face_occlusion.worn import adorned

Grey = npt.NDArray[np.uint8]

CELLS: Final = 8
"""Parts of a crop to a side of which is known how much of the face they hide."""
FREE: Final = "nothing"
"""The kind of faces that nothing is drawn before."""
ADORNED: Final = "nothing, adorned"
"""The kind of free faces with spectacles, a beard, a hat, a shadow and so on drawn on them."""
BESIDE: Final = "something beside"
"""The kind of free faces with a cover drawn that hides nothing of them."""
FREE_KINDS: Final = (FREE, ADORNED, BESIDE)
# Most squares are those of a face that is followed; some are those of a first look.
_FOLLOWED: Final = 0.9
# Side a crop is seen at, px: faces that are smaller are flagged for that, and have 72 px or more.
_LEAST_PX: Final = 40.0
_FLAWLESS: Final = 0.3
_MOST_TRIES: Final = 50


@dataclasses.dataclass(frozen=True)
class Examples:
    """Crops of faces, N rows."""

    crops: Grey
    """uint8 (N, 64, 64)."""
    labels: Floats
    """float32 (N,): 1 covered, 0 free."""
    cells: Grey
    """uint8 (N, 8, 8): share of each part of the crop in which the face is hidden, of 255."""
    kinds: tuple[str, ...]
    """What was drawn: one of `covers.KINDS`, or one of the kinds of free faces."""
    numbers: npt.NDArray[np.int64]
    """int64 (N,): which of the cut-outs each shows."""

    def __len__(self) -> int:
        return len(self.labels)


def joined(parts: Sequence[Examples], /) -> Examples:
    """Returns the rows of several sets; their numbers count on."""
    return Examples(
        np.concatenate([part.crops for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.cells for part in parts]),
        tuple(kind for part in parts for kind in part.kinds),
        np.concatenate([part.numbers for part in parts]),
    )


class Draw(Protocol):
    """Puts a thing before a face."""

    def __call__(
        self, rng: np.random.Generator, image: Floats, points_xy: Floats, /, *, kind: str
    ) -> tuple[Floats, Hidden | None]:
        """Returns the picture and what is hidden; None where the thing cannot be seen."""
        ...


@dataclasses.dataclass(frozen=True)
class Drawing:
    """How pictures are made of faces."""

    scenes: Sequence[Scene]
    """What may stand behind faces, and surfaces of things."""
    expand: float
    """Side of a crop over the side of its square."""
    draw: Draw
    """Puts something before a face."""
    adorned_share: float = 0.0
    """Of the covered faces that are adorned as well."""
    flaws_each: int = 1
    """Examples of each picture, with other flaws of cameras."""


def examples(
    rng: np.random.Generator,
    cutouts: Sequence[Cutout],
    drawing: Drawing,
    /,
    *,
    kinds: Sequence[str],
    rows: Sequence[int],
) -> Examples:
    """Returns examples for each kind, of the cut-outs at `rows`.

    Args:
        rng: draws everything.
        cutouts: of faces.
        drawing: how.
        kinds: of the pictures: kinds that `drawing.draw` takes, or `FREE`, `ADORNED`, `BESIDE`.
        rows: numbers of cut-outs, as many as kinds.
    """
    each = drawing.flaws_each
    crops = np.empty((len(kinds), each, SIZE_PX, SIZE_PX), np.uint8)
    labels = np.empty(len(kinds), np.float32)
    cells = np.empty((len(kinds), CELLS, CELLS), np.uint8)
    for index, (kind, row) in enumerate(zip(kinds, rows, strict=True)):
        picture, labels[index], where = _labelled(rng, cutouts[row], drawing, kind=kind)
        cells[index] = averaged(where, CELLS)
        crops[index] = [seen_by_camera(rng, picture) for _ in range(each)]
    return Examples(
        crops.reshape(-1, SIZE_PX, SIZE_PX),
        labels.repeat(each),
        cells.repeat(each, axis=0),
        tuple(kind for kind in kinds for _ in range(each)),
        np.asarray(rows, np.int64).repeat(each),
    )


def drawn(scenes: Sequence[Scene], /) -> Draw:
    """Returns what puts the covers of `covers.py` before a face."""

    def draw(
        rng: np.random.Generator, image: Floats, points_xy: Floats, /, *, kind: str
    ) -> tuple[Floats, Hidden | None]:
        return covers.covered(rng, image, points_xy, kind=kind, scenes=scenes)

    return draw


def _labelled(
    rng: np.random.Generator, cutout: Cutout, drawing: Drawing, *, kind: str
) -> tuple[Grey, float, Grey]:
    """Returns the first picture of its kind, its label, and where the face is hidden."""
    wanted = float(kind not in FREE_KINDS)
    for _ in range(_MOST_TRIES):
        picture, label, where = _one(rng, cutout, drawing, kind=kind)
        if label == wanted:
            return picture, wanted, where
    # A face that no such thing can cover, as one turned away: it stays free.
    picture, _, where = _one(rng, cutout, drawing, kind=FREE)
    return picture, 0.0, where


def sampled_kinds(
    rng: np.random.Generator, count: int, /, *, kinds: Sequence[str], covered_share: float
) -> list[str]:
    """Returns kinds of examples: covered by each kind alike, the rest free in several ways."""
    free = (FREE, FREE, ADORNED, ADORNED, BESIDE)
    picks = rng.random(count) < covered_share
    return [
        str(kinds[int(rng.integers(len(kinds)))] if covered else free[int(rng.integers(5))])
        for covered in picks
    ]


def _one(
    rng: np.random.Generator, cutout: Cutout, drawing: Drawing, *, kind: str
) -> tuple[Grey, float | None, Grey]:
    """Returns a picture uint8 (128, 128), its label, None where it counts as neither, and a mask.

    The mask, uint8 (128, 128), is 255 where the face is hidden.
    """
    scenes = drawing.scenes
    grey, points = composed(rng, cutout, _placement(rng), scenes=scenes, expand=drawing.expand)
    image, label, where = grey.astype(np.float32), 0.0, np.zeros_like(grey)
    is_cover = kind not in FREE_KINDS
    if kind == ADORNED or (is_cover and rng.random() < drawing.adorned_share):
        image = adorned(rng, image, face_frame(image, points))
    if is_cover or kind == BESIDE:
        if is_cover:
            image, seen = drawing.draw(rng, image, points, kind=kind)
        else:
            image, seen = _beside(rng, image, points, scenes=scenes)
        if seen is None or seen.label is None:
            return grey, None, where
        label, where = seen.label, seen.where
    return np.asarray(image + 0.5, np.uint8), label, where


def _beside(
    rng: np.random.Generator, image: Floats, points_xy: Floats, *, scenes: Sequence[Scene]
) -> tuple[Floats, Hidden | None]:
    """Returns a face beside which a cover lies, and what is hidden."""
    angle = rng.uniform(0, 2 * math.pi)
    away = np.array([math.cos(angle), math.sin(angle)], np.float32)
    shift = away * np.float32(rng.uniform(0.9, 1.6) * float(np.ptp(points_xy[:, 1])))
    kind = str(rng.choice(covers.KINDS))
    return covers.covered(
        rng, image, points_xy + shift, kind=kind, scenes=scenes, measured_xy=points_xy
    )


def seen_by_camera(rng: np.random.Generator, picture: Grey, /) -> Grey:
    """Returns a crop uint8 (64, 64) of a picture, through flaws of a camera in use.

    They are milder than those the network was trained with (`flaws.py`): what is dark, blurred or
    small is flagged for that, and hides a cover as well.
    """
    if rng.random() < _FLAWLESS:
        return averaged(picture, SIZE_PX)
    table = (np.arange(256) / 255) ** math.exp(rng.normal(0, 0.25))
    table = 0.5 + (table - 0.5) * rng.uniform(0.6, 1.2)
    table = np.clip(table * math.exp(rng.uniform(-0.7, 0.25)), 0, 1) * 255
    lit = cv2.LUT(picture, table.astype(np.uint8))
    side = SIZE_PX if rng.random() < 0.7 else round(rng.uniform(_LEAST_PX, SIZE_PX))
    small = cv2.resize(lit, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.2:
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.3, 0.8))
    if rng.random() < 0.3:
        grain = rng.normal(0, rng.uniform(1, 6), small.shape)
        small = np.clip(small + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 90))]
        coded = cv2.imencode(".jpg", small, quality)[1]
        small = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
    return np.asarray(cv2.resize(small, (SIZE_PX, SIZE_PX)), np.uint8)


def _placement(rng: np.random.Generator) -> Placement:
    if rng.random() > _FOLLOWED:
        return on_face(rng)
    x, y = rng.normal(0, 0.04, 2)
    roll = math.radians(float(rng.normal(0, 6)))
    return Placement((float(x), float(y)), float(rng.normal(0, 0.07)), roll)
