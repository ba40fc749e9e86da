"""Composes clips with truth: rendered heads walk and cross before busy backgrounds.

The truth of every frame says where each face is and how much of it can be seen. A clip depends on
its seed and the heads only. Called by `face_finding.py`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau.squares import PointRule, Square, squares_from_points
from rtau_train.face_alignment import scenes

Grey = npt.NDArray[np.uint8]

WIDTH_PX, HEIGHT_PX, FPS = 1280, 720, 25
# Of a head turned further an eye is hidden: whether that is a visible face is disputable.
MAX_YAW_DEG: Final = 45.0
# The radius of what counts as the face around the centre of its square, in sides.
FACE_RADIUS_SIDES: Final = 0.42
# Of a seed that no training of the alignment network uses.
_SCENE_SEED: Final = 991
_STRIP_PX: Final = 240
_NOISE_LEVELS: Final = 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class Cutout:
    """A head on a transparent ground."""

    grey: Grey
    """uint8 (S, S): display values times cover."""
    cover: Grey
    """uint8 (S, S): 255 where the head hides what is behind."""
    square: Square
    """Of the face, px of `grey`."""
    row: Mapping[str, str]
    """`yaw_deg`, `skin_tone` and what else the renderer says of the head."""


@dataclasses.dataclass(frozen=True)
class TrueFace:
    """One face of one frame."""

    person: int
    """From 0, of the clip."""
    square: Square
    """In the frame, px."""
    visible_share: float
    """Of the disc of the face: in the frame, and behind no other head."""
    row: Mapping[str, str]
    """As `Cutout.row`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Walk:
    """One head and its path through a clip: there and back, swaying, nodding and turning."""

    cutout: Cutout
    start_xy: npt.NDArray[np.float64]
    """Centre of the face, px."""
    turning_xy: npt.NDArray[np.float64]
    """Where the head turns back, px."""
    sway_xy: npt.NDArray[np.float64]
    """Amplitude, px."""
    pace: float
    """Of the swaying, radians a second."""
    phase: float
    """Of the swaying, radians."""
    side: float
    """Mean side of the face, px."""
    breathing: float
    """Amplitude of the side, as a share of it."""
    roll: float
    """Mean roll, radians."""
    rocking: float
    """Amplitude of the roll, radians."""
    away: tuple[float, float]
    """The part of the clip in which the head is not in the picture, each from 0 to 1."""

    def square(self, time_s: float, /, *, length_s: float) -> Square | None:
        """Returns where the face is; None while the head is away."""
        part = time_s / length_s
        if self.away[0] < part < self.away[1]:
            return None
        there = 0.5 - 0.5 * math.cos(2 * math.pi * part)
        angle = self.pace * time_s
        sway = np.array([math.sin(angle + self.phase), math.sin(1.3 * angle)])
        x, y = self.start_xy + (self.turning_xy - self.start_xy) * there + self.sway_xy * sway
        return Square(
            float(x),
            float(y),
            self.side * (1 + self.breathing * math.sin(angle)),
            self.roll + self.rocking * math.sin(0.7 * angle + self.phase),
        )


def read_cutouts(folder: Path, /, *, rule: PointRule) -> list[Cutout]:
    """Returns the faces of the last `heads-*.npz` of a folder, which training holds out.

    Raises:
        SystemExit: the folder has no such file.
    """
    paths = sorted(folder.glob("heads-*.npz"))
    if not paths:
        raise SystemExit(
            f"{folder}: must hold heads-*.npz, got none; `rtau-train face-align` renders them"
        )
    with np.load(paths[-1]) as file:  # each look-up decompresses the whole array
        arrays = [file[name] for name in ("grey", "cover", "landmarks_xy", "rows")]
    grey, cover, landmarks_xy, rows = arrays
    squares = squares_from_points(landmarks_xy.astype(np.float32), rule=rule).rows()
    cutouts = [
        Cutout(*pictures, square, json.loads(str(row)))
        for *pictures, square, row in zip(grey, cover, squares, rows, strict=True)
    ]
    return [one for one in cutouts if _is_face(one.row)]


def drawn_clip(
    cutouts: Sequence[Cutout], /, *, seed: int, people: int, frames: int
) -> Iterator[tuple[Grey, list[TrueFace]]]:
    """Yields the frames of a clip, uint8 (720, 1280), and the faces that are in each."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(cutouts), people, replace=False)
    walks = [_drawn_walk(rng, cutouts[index]) for index in chosen]
    walks.sort(key=lambda walk: walk.side)  # the larger head is nearer and covers the others
    ground = _background(rng)
    for index in range(frames):
        squares = [walk.square(index / FPS, length_s=frames / FPS) for walk in walks]
        present = [
            (person, walk.cutout, square)
            for person, (walk, square) in enumerate(zip(walks, squares, strict=True))
            if square is not None
        ]
        frame, faces = composed(ground, present)
        noise = rng.normal(0, _NOISE_LEVELS, frame.shape)
        yield np.clip(frame + noise, 0, 255).astype(np.uint8), faces


def composed(
    ground: Grey, heads: Sequence[tuple[int, Cutout, Square]], /
) -> tuple[Grey, list[TrueFace]]:
    """Returns a picture of heads before a ground, and the truth about their faces.

    Args:
        ground: uint8 (H, W).
        heads: person, cut-out and where its face goes; later ones cover earlier ones.
    """
    frame = ground.astype(np.float32)
    covers = []
    for _, cutout, square in heads:
        grey, cover = (
            _carried(image, cutout.square, square, shape=ground.shape)
            for image in (cutout.grey, cutout.cover)
        )
        frame *= 1 - cover.astype(np.float32) / 255
        frame += grey
        covers.append(cover >= 128)
    faces = []
    hidden = np.zeros(ground.shape, bool)
    for (person, cutout, square), cover in zip(reversed(heads), reversed(covers), strict=True):
        disc = np.zeros(ground.shape, np.uint8)
        radius = FACE_RADIUS_SIDES * square.side
        cv2.circle(disc, (round(square.x), round(square.y)), round(radius), 1, -1)
        visible = int((disc.astype(bool) & ~hidden).sum())
        share = min(1.0, visible / (math.pi * radius**2))
        faces.append(TrueFace(person, square, share, cutout.row))
        hidden |= cover
    return np.clip(frame, 0, 255).astype(np.uint8), faces[::-1]


def _is_face(row: Mapping[str, str]) -> bool:
    return row["is_back"] == "0" and abs(float(row["yaw_deg"])) < MAX_YAW_DEG


def _drawn_walk(rng: np.random.Generator, cutout: Cutout) -> Walk:
    low, high = np.array([[0.1, 0.25], [0.9, 0.8]]) * (WIDTH_PX, HEIGHT_PX)
    leaves = rng.uniform(0.3, 0.5) if rng.random() < 0.3 else 1.0
    return Walk(
        cutout=cutout,
        start_xy=rng.uniform(low, high),
        turning_xy=rng.uniform(low, high),
        sway_xy=rng.uniform(0, (60, 40)),
        pace=float(rng.uniform(0.5, 2)),
        phase=float(rng.uniform(0, 2 * math.pi)),
        side=math.exp(rng.uniform(math.log(64), math.log(230))),
        breathing=float(rng.uniform(0, 0.15)),
        roll=float(rng.uniform(-0.25, 0.25)),
        rocking=float(rng.uniform(0, 0.3)),
        away=(leaves, leaves + float(rng.uniform(0.05, 0.2))),
    )


def _carried(image: Grey, start: Square, end: Square, /, *, shape: tuple[int, ...]) -> Grey:
    """Returns a picture of a head, moved so that its face is on another square."""
    scale, turn = end.side / start.side, end.roll - start.roll
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    matrix = np.array(
        [
            [cos, -sin, end.x - cos * start.x + sin * start.y],
            [sin, cos, end.y - sin * start.x - cos * start.y],
        ]
    )
    moved = cv2.warpAffine(image, matrix, shape[1::-1], flags=cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8)


def _background(rng: np.random.Generator) -> Grey:
    """Returns patches of scenes without people side by side: uint8 (720, 1280)."""
    ground = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    for top in range(0, HEIGHT_PX, _STRIP_PX):
        left = 0
        while left < WIDTH_PX:
            width = int(rng.integers(160, 420))
            kind = str(rng.choice(scenes.KINDS))
            scene = scenes.drawn_scene(kind, seed=_SCENE_SEED, index=int(rng.integers(1_000_000)))
            scale = float(rng.uniform(0.95, 2.2))
            patch = cv2.resize(scene, None, fx=scale, fy=scale)
            patch = np.tile(patch, (1, math.ceil(width / patch.shape[1])))
            room = ground[top : top + _STRIP_PX, left : left + width]
            room[:] = patch[: room.shape[0], : room.shape[1]]
            left += width
    return ground
