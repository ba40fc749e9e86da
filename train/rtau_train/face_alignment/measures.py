"""Measures an alignment file on what nothing was learnt from: recall, errors, false hits, time.

Pure measuring; what is written about it is in `card.py`. Called by `command.py`.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.squares import (
    FaceSquares,
    PointRule,
    frame_from_crop,
    squares_from_points,
)
from rtau_train.face_alignment import backgrounds, examples, placements, proposals
from rtau_train.face_alignment.backgrounds import Scene
from rtau_train.face_alignment.examples import SIZE_PX, Floats, Grey
from rtau_train.face_alignment.faces import Cutout
from rtau_train.face_alignment.placements import Placement

Predict = Callable[[Grey], tuple[Floats, Floats]]

PASSES: Final = 3
# Scatter of first boxes: of Haar's, and in the experiment of thrown-off boxes twice as wide a side.
HAAR_SHIFT, HAAR_LOG_SIDE = 0.03, 0.05
_SIDE_OVER_SHIFT: Final = 1.2
_TIMED: Final = 100
# Haar searches one scene in so many: it takes longer than all else. The number of kinds is no
# multiple of it, so each has its share.
_SEARCHED_EVERY: Final = 5


@dataclasses.dataclass(frozen=True)
class Seen:
    """A face in a picture: the picture and where the face is."""

    image: Grey
    """uint8 (H, W)."""
    face: FaceSquares
    """One row."""
    landmarks_xy: Floats
    """float32 (68, 2), px."""
    row: Mapping[str, str]
    """Groups of the card."""


@dataclasses.dataclass(frozen=True)
class Errors:
    """How faces were aligned after each pass: lists of `PASSES` values."""

    found: tuple[float, ...]
    """Share of presence .5 or more on the crop of the pass."""
    centre: tuple[float, ...]
    """Median distance of the centre, in sides, after the pass."""
    side: tuple[float, ...]
    """Median absolute error of the side, as a share."""
    roll_deg: tuple[float, ...]
    """Median absolute error of the roll."""
    points: tuple[float, ...]
    """Mean distance of points, in sides, median over faces."""
    faces: int
    """How many faces."""


@dataclasses.dataclass(frozen=True)
class FalseHits:
    """Windows without a face that look like one."""

    windows: int
    """Places looked at."""
    over_half: float
    """Share with presence .5 or more."""
    over_nine: float
    """Share with presence .9 or more."""
    aligned: float
    """Share with .5 or more there and once more after the square has followed the points."""


def seen_faces(cutouts: Iterable[Cutout], behind: Sequence[Scene], /, *, seed: int) -> list[Seen]:
    """Returns cut-outs before scenes, at the size they have."""
    rng = np.random.default_rng(seed)
    shown = []
    for cutout in cutouts:
        scene = behind[int(rng.integers(len(behind)))].image
        ground = np.asarray(_filled(scene, cutout.grey.shape), np.float32)
        cover = cutout.cover.astype(np.float32) / 255
        image = np.clip(cutout.grey + (1 - cover) * ground, 0, 255).astype(np.uint8)
        shown.append(Seen(image, cutout.square, cutout.landmarks_xy, cutout.row))
    return shown


def aligned(
    predict: Predict,
    faces: Sequence[Seen],
    starts: Sequence[FaceSquares],
    /,
    *,
    rule: PointRule,
    expand: float,
    crop_px: int | None = None,
) -> Errors:
    """Returns how squares come onto their faces when they follow the points, pass after pass.

    Args:
        predict: the network.
        faces: of pictures.
        starts: first square of each.
        rule: of the contract.
        expand: of the contract.
        crop_px: side of a crop in its frame, px, before it is brought to the network's size.
    """
    squares = list(starts)
    found, rows = [], []
    for _ in range(PASSES):
        crops = np.stack(
            [
                sized_cut(face.image, square, expand=expand, crop_px=crop_px)
                for face, square in zip(faces, squares, strict=True)
            ]
        )
        logits, points = predict(crops)
        found.append(float((logits >= 0).mean()))
        carried = [
            geometry.apply(frame_from_crop(square, size=SIZE_PX, expand=expand), points[k][None])
            for k, square in enumerate(squares)
        ]
        squares = [squares_from_points(one, rule=rule) for one in carried]
        rows.append(
            [
                _errors(face, square, points_xy[0])
                for face, square, points_xy in zip(faces, squares, carried, strict=True)
            ]
        )
    medians = np.median(np.array(rows), axis=1)  # (PASSES, 4)
    centre, side, roll, point = (tuple(float(v) for v in column) for column in medians.T)
    return Errors(tuple(found), centre, side, roll, point, len(faces))


def thrown_off(
    faces: Sequence[Seen], /, *, shift: float, turn_deg: float, seed: int
) -> list[FaceSquares]:
    """Returns squares of faces moved, scaled and turned by normal deviates.

    `shift` is the standard deviation of each coordinate in sides, that of the logarithm of the side
    is 1.2 times as large.
    """
    rng = np.random.default_rng(seed)
    moved = []
    for face in faces:
        x, y = rng.normal(0, shift, 2)
        scale = float(rng.normal(0, _SIDE_OVER_SHIFT * shift))
        turn = math.radians(float(rng.normal(0, turn_deg)))
        moved.append(placements.placed(face.face, Placement((float(x), float(y)), scale, turn)))
    return moved


def upright_starts(faces: Sequence[Seen], /, *, roll_deg: float, seed: int) -> list[FaceSquares]:
    """Returns squares as Haar's scatter would put them if each face were turned by an angle."""
    rng = np.random.default_rng(seed)
    starts = []
    for face in faces:
        x, y = rng.normal(0, HAAR_SHIFT, 2)
        sign = float(rng.choice([-1, 1]))
        placement = Placement(
            (float(x), float(y)), float(rng.normal(0, HAAR_LOG_SIDE)), math.radians(sign * roll_deg)
        )
        starts.append(placements.placed(face.face, placement))
    return starts


def false_hits(
    predict: Predict,
    scenes: Sequence[Scene],
    /,
    *,
    rule: PointRule,
    expand: float,
    per_scene: int,
    seed: int,
) -> dict[tuple[str, str], FalseHits]:
    """Returns false hits by kind of scene and by who proposed: Haar, or nobody (any place)."""
    rng = np.random.default_rng(seed)
    searched = range(0, len(scenes), _SEARCHED_EVERY)
    by_haar = proposals.haar_proposals(scenes, numbers=searched, rng=rng)
    anywhere = [
        (number, square)
        for number, scene in enumerate(scenes)
        for square in _any_places(rng, scene, count=per_scene)
    ]
    table: dict[tuple[str, str], FalseHits] = {}
    for who, places in (("haar", by_haar), ("any", anywhere)):
        if not places:
            continue
        first, second = _two_passes(predict, scenes, places, rule=rule, expand=expand)
        kinds = np.array([scenes[number].kind for number, _ in places])
        for kind in dict.fromkeys(kinds.tolist()):
            rows = kinds == kind
            table[kind, who] = FalseHits(
                windows=int(rows.sum()),
                over_half=float((first[rows] >= 0).mean()),
                over_nine=float((first[rows] >= math.log(9)).mean()),
                aligned=float(((first[rows] >= 0) & (second[rows] >= 0)).mean()),
            )
    return table


def milliseconds(predict: Predict, /, *, batch: int) -> float:
    """Returns the median time of a face in a batch, ms."""
    crops = np.random.default_rng(0).integers(0, 256, (batch, SIZE_PX, SIZE_PX)).astype(np.uint8)
    spent = []
    for _ in range(_TIMED):
        began = time.perf_counter()
        predict(crops)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent)) * 1e3 / batch


def sized_cut(
    image: Grey, square: FaceSquares, /, *, expand: float, crop_px: int | None = None
) -> Grey:
    """Returns a crop for the network, of a picture in which it has so many pixels to a side."""
    if crop_px is None:
        drawn = examples.cut(image, square, expand=expand, size=2 * SIZE_PX)
        return examples.averaged(drawn, SIZE_PX)
    small = examples.averaged(examples.cut(image, square, expand=expand, size=2 * SIZE_PX), crop_px)
    return examples.enlarged(small, SIZE_PX)


def _two_passes(
    predict: Predict,
    scenes: Sequence[Scene],
    places: Sequence[proposals.Place],
    *,
    rule: PointRule,
    expand: float,
) -> tuple[Floats, Floats]:
    """Returns presence logits at places, and where the squares went by the points seen there."""
    crops = np.stack([sized_cut(scenes[n].image, square, expand=expand) for n, square in places])
    first, points = predict(crops)
    again = []
    for (number, square), point in zip(places, points, strict=True):
        maps = frame_from_crop(square, size=SIZE_PX, expand=expand)
        moved = squares_from_points(geometry.apply(maps, point[None]), rule=rule)
        again.append(sized_cut(scenes[number].image, moved, expand=expand))
    second, _ = predict(np.stack(again))
    return first, second


def _any_places(rng: np.random.Generator, scene: Scene, *, count: int) -> list[FaceSquares]:
    squares = [placements.any_square(rng, scene.image) for _ in range(count)]
    return [one for one in squares if backgrounds.shows_no_face(one, scene.face)[0]]


def _errors(face: Seen, square: FaceSquares, points_xy: Floats) -> list[float]:
    side = float(face.face.sides_px[0])
    turn = float(square.rolls_rad[0] - face.face.rolls_rad[0])
    turn = math.remainder(turn, 2 * math.pi)
    return [
        float(np.hypot(*(square.centres_xy[0] - face.face.centres_xy[0]))) / side,
        abs(float(square.sides_px[0]) / side - 1),
        abs(math.degrees(turn)),
        float(np.hypot(*(points_xy - face.landmarks_xy).T).mean()) / side,
    ]


def _filled(image: Grey, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Returns a picture of a shape, repeating this one where it is too small."""
    rows, columns = (-(-wanted // have) for wanted, have in zip(shape, image.shape, strict=True))
    return np.tile(image, (rows, columns))[: shape[0], : shape[1]]
