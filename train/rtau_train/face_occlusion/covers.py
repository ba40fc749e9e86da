"""Puts a cover of a named kind before a face and measures how much of the face it hides.

The label follows from what is hidden, not from what was drawn: a cover may lie beside the face.
Called by `examples.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_occlusion import cloths, hands, objects, worn
from rtau_train.face_occlusion.painting import (
    Cover,
    FaceFrame,
    Floats,
    Mask,
    face_frame,
    laid,
    polygon,
)

_Drawer = Callable[[np.random.Generator, int, FaceFrame], Cover]

HAIR: Final = "hair"
DRAWERS: Final[dict[str, _Drawer]] = {
    "mask": cloths.mask,
    "scarf": cloths.scarf,
    "hand": hands.hand,
    "two hands": hands.two_hands,
    "phone": objects.phone,
    "microphone": objects.microphone,
    "paper": objects.paper,
    HAIR: worn.hair,
    "sunglasses": worn.sunglasses,
    "cup": objects.cup,
}
PIECE: Final = "piece"
"""A piece of a scene's surface: not in `DRAWERS`, since it needs scenes."""
KINDS: Final = (*DRAWERS, PIECE)
# Share of the inner face from which on it counts as covered, and below which as free; and the same
# of one eye or the mouth. In between it is neither, and nothing is learnt or measured.
COVERED: Final = (0.08, 0.5)
FREE: Final = (0.02, 0.1)
# A cover that differs less from the face it hides, in grey levels, cannot be seen.
_LEAST_DIFFERENCE: Final = 6.0


@dataclasses.dataclass(frozen=True)
class Hidden:
    """How much of a face is hidden."""

    face: float
    """Share of the area inside the 68 points."""
    part: float
    """The largest share of an eye or the mouth."""
    where: Mask
    """uint8 (S, S): 255 where the face is hidden."""

    is_hair: bool = False
    """Whether hair hides it: that covers a face only where an eye or the mouth is behind it."""

    @property
    def label(self) -> float | None:
        """1 for a covered face, 0 for a free one, None in between."""
        if self.part >= COVERED[1] or (self.face >= COVERED[0] and not self.is_hair):
            return 1.0
        if self.face <= FREE[0] and self.part <= FREE[1]:
            return 0.0
        return None


def covered(
    rng: np.random.Generator,
    image: Floats,
    points_xy: Floats,
    /,
    *,
    kind: str,
    scenes: Sequence[Scene],
    measured_xy: Floats | None = None,
) -> tuple[Floats, Hidden | None]:
    """Returns a face with a thing before it, and how much that hides.

    Args:
        rng: draws it.
        image: float32 (S, S), grey levels.
        points_xy: float32 (68, 2), iBUG's order, px.
        kind: one of `KINDS`.
        scenes: surfaces that pieces are cut from.
        measured_xy: points of the face that is measured, where that is another one.

    Returns:
        The picture, and what is hidden; None where the cover cannot be told from the face.
    """
    face, size = face_frame(image, points_xy), len(image)
    if kind == PIECE:
        texture = scenes[int(rng.integers(len(scenes)))].image
        cover = objects.piece(rng, size, face, texture=texture)
    else:
        cover = DRAWERS[kind](rng, size, face)
    shown = laid(rng, image, cover, unit_px=face.unit_px)
    measured = points_xy if measured_xy is None else measured_xy
    inner = inside(measured, size) & (cover.alpha > 0.5)
    if inner.any() and float(np.abs(shown - image)[inner].mean()) < _LEAST_DIFFERENCE:
        return shown, None
    seen = hidden(cover.alpha > 0.5, measured)
    return shown, dataclasses.replace(seen, is_hair=kind == HAIR)


def hidden(covers: npt.NDArray[np.bool_], points_xy: Floats, /) -> Hidden:
    """Returns how much of a face a mask, bool (S, S), hides."""
    size = len(covers)
    face = inside(points_xy, size)
    parts = (points_xy[36:42], points_xy[42:48], points_xy[48:60])
    shares = [_share(covers, _grown(part, size)) for part in parts]
    where = np.where(covers & face, 255, 0).astype(np.uint8)
    return Hidden(_share(covers, face), max(shares), where)


def inside(points_xy: Floats, size: int, /) -> npt.NDArray[np.bool_]:
    """Returns the area inside the points: bool (size, size)."""
    hull = cv2.convexHull(np.asarray(points_xy, np.float32))[:, 0]
    return np.asarray(polygon(size, hull) > 127, np.bool_)


def _grown(part: Floats, size: int) -> npt.NDArray[np.bool_]:
    """Returns the area of an eye or a mouth with a margin: shut ones have none of their own."""
    margin = max(1, round(0.25 * float(np.ptp(part[:, 0]))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    return np.asarray(cv2.dilate(polygon(size, part), kernel) > 127, np.bool_)


def _share(covers: npt.NDArray[np.bool_], area: npt.NDArray[np.bool_]) -> float:
    return float((covers & area).sum() / max(int(area.sum()), 1))
