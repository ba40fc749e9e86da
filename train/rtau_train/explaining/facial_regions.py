"""Where on a face each Action Unit shows: patches of skin, laid on 68 landmarks.

The table follows the muscles of FACS (Ekman, Friesen & Hager 2002) and is explained, with pictures,
in docs/cam-quality.md. Knows no network and no heatmap; called by
`rtau_train.explaining.cam_quality` and by the script that draws the document's picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from rtau.facs import AU, au_from_label
from rtau_train.datasets.augmentation import mirrored_order

Points = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
# A landmark of the half of the face that lies left in the picture, and a step from it: outwards in
# widths between the outer eye corners, downwards in heights from the eyes to the nose's base.
Anchor = tuple[int, float, float]

# Binary digits behind the point in which OpenCV is handed corners of polygons.
_SHIFT = 6
_MIRRORED = mirrored_order()


@dataclasses.dataclass(frozen=True)
class Patch:
    """A convex piece of a face: the hull of its anchors."""

    lies: Literal["across", "each side"]
    """across: one hull of the anchors of both halves; each side: a hull per half."""
    anchors: tuple[Anchor, ...]


@dataclasses.dataclass(frozen=True)
class Region:
    """Where an Action Unit shows: the union of its patches."""

    muscle: str
    """The muscles that FACS names for it."""
    place: str
    """The skin that they move, in words."""
    patches: tuple[Patch, ...]


def _across(*anchors: Anchor) -> Patch:
    return Patch("across", anchors)


def _each(*anchors: Anchor) -> Patch:
    return Patch("each side", anchors)


# Brow points are laid on the upper edge of the brows by some and on their middle by others; what
# reaches 0.3 below covers the brow and the fold under it either way.
_INNER_FOREHEAD = _across((19, 0, -0.75), (19, 0, 0.25), (21, 0, 0.3))
_OUTER_FOREHEAD = _each(
    (19, 0, -0.75), (17, 0.06, -0.45), (17, 0.08, 0.25), (18, 0, 0.3), (19, 0, 0.28)
)
_BROW = _each(
    (17, 0.03, -0.1), (18, 0, -0.12), (19, 0, -0.12), (21, 0, -0.15), (21, 0, 0.4), (19, 0, 0.38),
    (17, 0.03, 0.3),
)  # fmt: skip
_GLABELLA = _across((21, 0, -0.2), (21, 0, 0.4), (27, 0.08, 0.2))
_LIDS = _each(
    (36, 0.06, 0), (37, 0, -0.16), (38, 0, -0.16), (39, -0.05, 0), (40, 0, 0.25), (41, 0, 0.25)
)
_LIPS = _across(
    (51, 0, -0.08), (50, 0, -0.08), (49, 0.01, -0.08), (48, 0.04, 0), (59, 0.01, 0.08),
    (58, 0, 0.08), (57, 0, 0.08),
)  # fmt: skip
_AROUND_LIPS = _across(
    (51, 0, -0.2), (50, 0, -0.2), (49, 0.03, -0.2), (48, 0.09, -0.05), (48, 0.09, 0.08),
    (59, 0.03, 0.22), (58, 0, 0.22), (57, 0, 0.22),
)  # fmt: skip
_MOUTH_AND_JAW = _across(
    (62, 0, 0), (61, 0, 0), (48, 0.05, -0.05), (48, 0.1, 0.25), (5, -0.03, 0), (6, 0, 0),
    (7, 0, 0), (8, 0, 0),
)  # fmt: skip

_ORIS = "orbicularis oris"

REGIONS: Mapping[AU, Region] = {
    AU.INNER_BROW_RAISER: Region(
        "frontalis, pars medialis",
        "inner half of the brows and the middle of the forehead above them",
        (_INNER_FOREHEAD,),
    ),
    AU.OUTER_BROW_RAISER: Region(
        "frontalis, pars lateralis",
        "outer half of each brow, the forehead above it and the fold under it",
        (_OUTER_FOREHEAD,),
    ),
    AU.BROW_LOWERER: Region(
        "corrugator supercilii, depressor supercilii, procerus",
        "both brows, the skin between them down to the nose's root, the folds under the brows",
        (_BROW, _GLABELLA),
    ),
    AU.UPPER_LID_RAISER: Region(
        "levator palpebrae superioris",
        "upper lid and the opening of each eye",
        (
            _each(
                (36, 0.05, 0),
                (37, 0, -0.22),
                (38, 0, -0.22),
                (39, -0.04, 0),
                (40, 0, 0.08),
                (41, 0, 0.08),
            ),
        ),
    ),
    AU.CHEEK_RAISER: Region(
        "orbicularis oculi, pars orbitalis",
        "cheeks from under the lower lids to the nostrils' height, and crow's feet",
        (
            _each(
                (40, 0, 0.12),
                (41, 0, 0.1),
                (36, 0.05, 0.12),
                (36, 0.26, 0.3),
                (31, 0.42, 0.05),
                (31, 0.12, 0.05),
                (39, 0, 0.4),
            ),
            _each((36, 0.03, -0.22), (36, 0.22, -0.22), (36, 0.26, 0.3), (36, 0.03, 0.15)),
        ),
    ),
    AU.LID_TIGHTENER: Region(
        "orbicularis oculi, pars palpebralis", "both lids and the opening of each eye", (_LIDS,)
    ),
    AU.NOSE_WRINKLER: Region(
        "levator labii superioris alaeque nasi",
        "root, bridge and sides of the nose, nostril wings and the skin beside them",
        (_across((21, -0.02, 0.1), (39, 0, 0), (31, 0.14, -0.3), (31, 0.14, 0.08), (33, 0, 0.1)),),
    ),
    AU.UPPER_LIP_RAISER: Region(
        "levator labii superioris",
        "upper lip, nostril wings and the triangle from them to the mouth corners",
        (
            _across((33, 0, -0.1), (31, 0, -0.1), (49, 0.04, -0.15), (48, 0, 0), (62, 0, 0)),
            _each((31, 0, -0.35), (31, 0.22, -0.25), (31, 0.3, 0.1), (48, 0.08, -0.1), (49, 0, 0)),
        ),
    ),
    AU.NASOLABIAL_DEEPENER: Region(
        "zygomaticus minor",
        "upper and middle part of each nasolabial furrow and the cheek beside it",
        (_each((31, 0, -0.25), (31, 0.3, -0.2), (48, 0.16, -0.2), (48, 0, -0.1), (49, 0, -0.15)),),
    ),
    AU.LIP_CORNER_PULLER: Region(
        "zygomaticus major",
        "mouth corners, nasolabial furrows and the lower cheek towards the cheekbone",
        (
            _each(
                (48, -0.12, 0.15),
                (48, -0.12, -0.12),
                (31, 0.04, 0),
                (31, 0.12, -0.2),
                (31, 0.38, -0.15),
                (48, 0.26, -0.1),
                (48, 0.18, 0.18),
            ),
        ),
    ),
    AU.SHARP_LIP_PULLER: Region(
        "levator anguli oris (caninus)",
        "mouth corners and the cheek straight above them",
        (
            _each(
                (48, -0.1, 0.12),
                (48, -0.1, -0.12),
                (31, 0.03, -0.1),
                (31, 0.3, -0.15),
                (48, 0.18, -0.1),
                (48, 0.14, 0.12),
            ),
        ),
    ),
    AU.DIMPLER: Region(
        "buccinator",
        "mouth corners and the cheek around them",
        (_each((48, -0.12, -0.2), (48, 0.22, -0.25), (48, 0.24, 0.22), (48, -0.12, 0.2)),),
    ),
    AU.LIP_CORNER_DEPRESSOR: Region(
        "depressor anguli oris (triangularis)",
        "mouth corners and the skin below them, beside the chin",
        (
            _each(
                (48, -0.14, -0.12),
                (48, 0.12, -0.15),
                (48, 0.18, 0.2),
                (48, 0.14, 0.6),
                (48, -0.12, 0.65),
                (48, -0.16, 0.1),
            ),
        ),
    ),
    AU.LOWER_LIP_DEPRESSOR: Region(
        "depressor labii inferioris",
        "lower lip and the chin below it",
        (_across((66, 0, 0), (67, 0, 0), (48, 0.04, 0.05), (59, 0.04, 0.35), (57, 0, 0.4)),),
    ),
    AU.CHIN_RAISER: Region(
        "mentalis",
        "lower lip and chin boss",
        (_across((66, 0, 0), (67, 0, 0), (48, 0, 0.08), (59, 0.06, 0.3), (7, 0, 0), (8, 0, 0)),),
    ),
    AU.LIP_PUCKER: Region(
        "incisivii labii superioris and inferioris",
        "lips and the skin around them",
        (_AROUND_LIPS,),
    ),
    AU.LIP_STRETCHER: Region(
        "risorius with platysma",
        "outer parts of the lips, mouth corners and the cheeks beside and below them",
        (
            _each(
                (49, -0.02, -0.1),
                (48, 0.32, -0.3),
                (48, 0.34, 0.25),
                (48, 0.12, 0.5),
                (59, -0.02, 0.15),
            ),
        ),
    ),
    AU.LIP_FUNNELER: Region(_ORIS, "lips and the skin around them", (_AROUND_LIPS,)),
    AU.LIP_TIGHTENER: Region(_ORIS, "lips and the skin around them", (_AROUND_LIPS,)),
    AU.LIP_PRESSOR: Region(_ORIS, "lips and the skin around them", (_AROUND_LIPS,)),
    AU.LIPS_PART: Region(
        f"depressor labii inferioris, or a relaxed mentalis or {_ORIS}",
        "lips and the opening between them",
        (_LIPS,),
    ),
    AU.JAW_DROP: Region(
        "relaxed masseter, temporalis and internal pterygoid",
        "opening of the mouth, lower lip, chin and the jaw beside it",
        (_MOUTH_AND_JAW,),
    ),
    AU.MOUTH_STRETCH: Region(
        "pterygoids, digastric",
        "lips, opening of the mouth, chin and the jaw beside it",
        (_LIPS, _MOUTH_AND_JAW),
    ),
    AU.LIP_SUCK: Region(_ORIS, "lips and the skin around them", (_AROUND_LIPS,)),
    AU.BLINK: Region(
        "relaxed levator palpebrae superioris; orbicularis oculi, pars palpebralis",
        "both lids and the opening of each eye",
        (_LIDS,),
    ),
}


def polygons(label: str, points: Points, /) -> tuple[Points, ...]:
    """Returns the convex corners of an AU's region, each float32 (K, 2), in the points' space.

    Args:
        label: an AU of `rtau.facs`.
        points: (68, 2), iBUG order; y grows downwards.

    Raises:
        ValueError: the label names no AU.
    """
    halves = _halves(points)
    found: list[Points] = []
    for patch in REGIONS[au_from_label(label)].patches:
        hulls = [_placed(patch.anchors, half) for half in halves]
        joined = [np.concatenate(hulls)] if patch.lies == "across" else hulls
        found += [_hull(corners) for corners in joined]
    return tuple(found)


def mask(label: str, points: Points, /, *, side_px: int) -> Mask:
    """Returns the region of an AU as bool (side_px, side_px) over a crop.

    What would lie outside the crop is cut off.

    Args:
        label: an AU of `rtau.facs`.
        points: (68, 2), in sides of the crop: (0, 0) is its top left corner, (1, 1) the other.
        side_px: side of the grid the region is drawn on.

    Raises:
        ValueError: the label names no AU.
    """
    canvas = np.zeros((side_px, side_px), np.uint8)
    for corners in polygons(label, points * side_px):
        # OpenCV puts the centre of pixel i at i, we at i + 0.5 (docs/coordinates.md).
        fixed = np.round((corners - 0.5) * 2**_SHIFT).astype(np.int32)
        cv2.fillConvexPoly(canvas, fixed, 1, shift=_SHIFT)
    return canvas.astype(bool)


@dataclasses.dataclass(frozen=True, eq=False)
class _Half:
    """One half of a face in words that fit both: points by the left half's numbers, two steps."""

    points: Points
    out: Points
    """From the middle of the face to its side, as long as the eyes are apart."""
    down: Points
    """From the eyes towards the mouth, as long as the nose."""


def _halves(points: Points) -> tuple[_Half, _Half]:
    eyes = points[45] - points[36]
    middle = points[36:48].mean(axis=0)
    # Square to the eyes, so that an open mouth or a turned head does not tilt the face.
    down = np.array([-eyes[1], eyes[0]])
    down = down * ((points[33] - middle) @ down) / (down @ down)
    return _Half(points, -eyes, down), _Half(points[_MIRRORED], eyes, down)


def _hull(corners: Points) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.convexHull(corners.astype(np.float32))[:, 0], np.float32)


def _placed(anchors: tuple[Anchor, ...], half: _Half) -> Points:
    """Returns the anchors on one half of a face: (K, 2)."""
    return np.stack(
        [half.points[index] + out * half.out + down * half.down for index, out, down in anchors]
    )
