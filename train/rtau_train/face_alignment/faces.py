"""Reads faces as cut-outs of one size with points: renders, rendered crops and portraits.

Every face is scaled so that its square has the same side, and has a cover that says where it hides
its background; pictures without a cut-out fade out at their edges. Called by `command.py`.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.errors import SourceOpenError
from rtau.squares import FaceSquares, PointRule, squares_from_points
from rtau_train.face_alignment.heads import Head
from rtau_train.face_alignment.portraits import PointedPicture
from rtau_train.records import BROKEN_NPZ

Floats = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]

# Side of every face's square, px: twice what the network sees of a crop, less its margin.
SIDE_PX: Final = 76.0
# Share of a picture over which it fades into its background.
_FADE: Final = 0.07
# Share of a picture by which it grows where its border is repeated.
_REPEATED: Final = 0.4


@dataclasses.dataclass(frozen=True)
class Cutout:
    """One head before nothing."""

    grey: Grey
    """uint8 (H, W): display values times cover."""
    cover: Grey
    """uint8 (H, W): 255 where the background is hidden."""
    landmarks_xy: Floats
    """float32 (68, 2), iBUG's order, px in `grey`."""
    square: FaceSquares
    """One row: the face's square in `grey`, as the rule says."""
    is_back: bool
    """True for a head seen from behind: no face."""
    source: str
    """Which set it is from."""
    row: Mapping[str, str]
    """What is known of it: groups of the card; may be empty."""


def from_heads(heads: Iterable[Head], /, *, rule: PointRule) -> list[Cutout]:
    """Returns rendered heads."""
    return [
        _scaled(
            head.grey,
            head.cover,
            landmarks_xy=head.landmarks_xy,
            rule=rule,
            source="heads",
            row=head.row,
        )
        for head in heads
    ]


def from_pictures(
    pictures: Sequence[PointedPicture], /, *, rule: PointRule, source: str
) -> list[Cutout]:
    """Returns portraits, faded out at the edges of their pictures."""
    cutouts = []
    for picture in pictures:
        grey = np.asarray(cv2.cvtColor(picture.image_bgr, cv2.COLOR_BGR2GRAY), np.uint8)
        cutouts.append(_faded(grey, picture.landmarks_xy, rule=rule, source=source, row={}))
    return cutouts


def whole(picture: PointedPicture, /, *, rule: PointRule) -> Cutout:
    """Returns a portrait as it is, without fading, at a cut-out's size."""
    grey = np.asarray(cv2.cvtColor(picture.image_bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    return _scaled(
        grey,
        np.full_like(grey, 255),
        landmarks_xy=picture.landmarks_xy,
        rule=rule,
        source=picture.path.name,
        row={},
    )


def from_crops(folder: Path, rows: slice, /, *, rule: PointRule, source: str) -> list[Cutout]:
    """Returns rendered crops of a folder of `rtau-train synth`: a range of its rows.

    Raises:
        SourceOpenError: a file of the folder is missing or broken.
    """
    try:
        with np.load(folder / "landmarks68.npz") as file:
            landmarks = file["xy"][rows].astype(np.float32)
        with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
            labels = list(csv.DictReader(file))[rows]
    except BROKEN_NPZ as error:
        raise SourceOpenError(f"{folder}: landmarks or labels cannot be read ({error})") from None
    cutouts = []
    for points, row in zip(landmarks, labels, strict=True):
        path = folder / "crops" / row["file"]
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise SourceOpenError(f"{path}: not a picture that OpenCV reads")
        cutouts.append(
            _faded(np.asarray(image, np.uint8), points, rule=rule, source=source, row=row)
        )
    return cutouts


def _faded(
    grey: Grey, landmarks_xy: Floats, *, rule: PointRule, source: str, row: Mapping[str, str]
) -> Cutout:
    """Returns a picture that fades out at its edges; every other one is first made larger.

    Its border is repeated for that, as the border of a frame is around a face at its edge.
    """
    if round(float(landmarks_xy.sum())) % 2:
        pad = round(_REPEATED * min(grey.shape))
        grey = np.asarray(
            cv2.copyMakeBorder(grey, pad, pad, pad, pad, cv2.BORDER_REPLICATE), np.uint8
        )
        landmarks_xy = landmarks_xy + np.float32(pad)
    cover = np.zeros(grey.shape, np.float32)
    height, width = grey.shape
    edge = max(2, round(_FADE * min(height, width)))
    cover[edge // 2 : height - edge // 2, edge // 2 : width - edge // 2] = 255
    cover = np.asarray(cv2.blur(cover, (edge, edge), borderType=cv2.BORDER_CONSTANT), np.float32)
    held = np.round(grey * (cover / 255)).astype(np.uint8)
    return _scaled(
        held,
        cover.astype(np.uint8),
        landmarks_xy=landmarks_xy,
        rule=rule,
        source=source,
        row=row,
    )


def _scaled(
    grey: Grey,
    cover: Grey,
    *,
    landmarks_xy: Floats,
    rule: PointRule,
    source: str,
    row: Mapping[str, str],
) -> Cutout:
    """Returns a cut-out whose square has a side of `SIDE_PX`."""
    side = float(squares_from_points(landmarks_xy[None], rule=rule).sides_px[0])
    scale = SIDE_PX / max(side, 1.0)
    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    exact = np.array([size[0] / width, size[1] / height], np.float32)
    points = (landmarks_xy * exact).astype(np.float32)
    return Cutout(
        grey=np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8),
        cover=np.asarray(cv2.resize(cover, size, interpolation=way), np.uint8),
        landmarks_xy=points,
        square=squares_from_points(points[None], rule=rule),
        is_back=row.get("is_back") == "1",
        source=source,
        row=row,
    )
