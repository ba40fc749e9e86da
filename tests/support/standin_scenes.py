"""Renders as pictures of a data set: a face crop set into a larger scene, or shrunk to 48 px.

Stand-ins for photographs that nobody may commit; what they show is rendered. Called by
`tests.support.standins`.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]

# Longer side of the box of the landmarks in a scene, px, and by how much it varies.
FACE_PX, FACE_SPREAD = 190.0, 0.12
# The ground is painted this much smaller: a blur of the whole picture would cost most of the time.
COARSE = 8
# Width of the seam between a render and its ground, in sides of the render.
SEAM = 0.07
NOISE_STD = 3.0
# Noise is drawn once, this much larger than a picture, and a part of it taken for each.
NOISE_MARGIN = 64


@dataclasses.dataclass(frozen=True, eq=False)
class Render:
    """One face of a folder in the rendered-crops layout."""

    path: Path
    intensities: dict[str, float]
    """AU label -> 0-5, continuous."""
    columns: dict[str, str]
    """What else labels.csv says of it: preset, sex, ethnicity, ..."""
    landmarks: Points
    """float32 (68, 2), px in the render."""

    def pixels(self) -> Picture:
        """Returns uint8 (H, W, 3), BGR."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        assert image is not None, self.path
        return np.asarray(image, np.uint8)


def read_renders(folder: Path) -> list[Render]:
    """Returns the faces of a folder, in its order."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    with np.load(folder / "landmarks68.npz") as archive:
        landmarks = archive["xy"].astype(np.float32)
    return [
        Render(
            path=folder / "crops" / row["file"],
            intensities={k: float(v) for k, v in row.items() if k.startswith("AU")},
            columns={k: v for k, v in row.items() if k != "file" and not k.startswith("AU")},
            landmarks=points,
        )
        for row, points in zip(rows, landmarks, strict=True)
    ]


def scene(
    render: Render, rng: np.random.Generator, *, width: int = 640, height: int = 480
) -> tuple[Picture, Points]:
    """Returns a picture with the face in its middle, BGR, and the landmarks in its pixels.

    Around the render its border goes on, ever more blurred, with noise over all: to the detector
    that is a head before a dull wall.
    """
    image = render.pixels()
    box_px = float((render.landmarks.max(axis=0) - render.landmarks.min(axis=0)).max())
    side = round(FACE_PX / box_px * len(image) * (1 + rng.uniform(-FACE_SPREAD, FACE_SPREAD)))
    side = min(side, width - 2, height - 2)
    face = np.asarray(
        cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )
    free_x, free_y = width - side, height - side
    x = round(free_x / 2 + rng.uniform(-0.3, 0.3) * free_x)
    y = round(free_y / 2 + rng.uniform(-0.3, 0.3) * free_y)
    picture = _ground(face, x, y, width=width, height=height)
    part = picture[y : y + side, x : x + side]
    part[...] = part + _seam(side) * (face - part.astype(np.float32))
    top, left = rng.integers(0, NOISE_MARGIN, 2)
    noise = _noise(width, height)[top : top + height, left : left + width]
    noisy = cv2.add(picture, noise, dtype=cv2.CV_8U)
    points = render.landmarks * (side / len(image)) + np.array([x, y], np.float32)
    return np.asarray(noisy, np.uint8), points.astype(np.float32)


def small_grey(render: Render, side: int = 48) -> Picture:
    """Returns the render as FER2013 and CK+48 hold faces: uint8 (side, side), grey."""
    grey = cv2.cvtColor(render.pixels(), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _ground(face: Picture, x: int, y: int, *, width: int, height: int) -> Picture:
    """Returns the picture behind a face at (x, y): its border, blurred outwards."""
    small = cv2.resize(face, None, fx=1 / COARSE, fy=1 / COARSE, interpolation=cv2.INTER_AREA)
    columns, rows = -(-width // COARSE), -(-height // COARSE)
    left = min(x // COARSE, columns - small.shape[1])
    top = min(y // COARSE, rows - small.shape[0])
    bottom, right = rows - top - small.shape[0], columns - left - small.shape[1]
    wide = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(wide, (0, 0), 12 / COARSE)
    return np.asarray(
        cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
    )


@functools.cache
def _noise(width: int, height: int) -> npt.NDArray[np.int16]:
    """Returns int16 (height + margin, width + margin, 3), the same in every run."""
    shape = (height + NOISE_MARGIN, width + NOISE_MARGIN, 3)
    noise = np.random.default_rng(0).standard_normal(shape, dtype=np.float32) * NOISE_STD
    return np.asarray(noise.round(), np.int16)


@functools.cache
def _seam(side: int) -> npt.NDArray[np.float32]:
    """Returns float32 (side, side, 1): 0 at the border, 1 inside the seam."""
    inside = np.minimum(np.arange(side), np.arange(side)[::-1]) / (SEAM * side)
    ramp = np.clip(inside, 0, 1).astype(np.float32)
    return np.asarray((ramp[:, None] * ramp[None, :])[..., None], np.float32)
