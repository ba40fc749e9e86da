"""Pictures for reduced precisions: face crops from a folder, sampled with a seed.

A crop must be cut as the runtime cuts it (the contract's crop rule), or nearly so: the ranges of
the activations are taken from it. Cuts and detects nothing itself. Called by
`rtau_export.precision`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rtau.data import Image
from rtau.errors import SourceOpenError, UsageError
from rtau.faces.crops import warp_square
from rtau.sources.images import read_image

SEED = 20261122
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
# Half of the pictures set the ranges, the others judge them. More than this many gain nothing:
# see export/README.md.
MOST_PICTURES = 512
LEAST_PICTURES = 16
# A crop may be a pixel off its square; a photograph is not a crop.
SQUARE_WITHIN = 0.02


@dataclasses.dataclass(frozen=True)
class CalibrationSet:
    """Pictures that set the ranges, and others that choose between them."""

    name: str
    """The folder's name, for the record."""
    fitting: Image
    """uint8 (N, S, S, 3), RGB."""
    held_out: Image
    """uint8 (M, S, S, 3), RGB; none of them is in `fitting`."""


def read_calibration(folder: Path, /, *, size: int) -> CalibrationSet:
    """Returns a seeded sample of the face crops in a folder and its subfolders.

    Raises:
        UsageError: no such folder, or too few pictures in it.
        SourceOpenError: a picture cannot be read or is not square.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: --calibrate must name a folder of face crops")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(found) < LEAST_PICTURES:
        raise UsageError(
            f"{folder}: --calibrate needs at least {LEAST_PICTURES} face crops "
            f"({', '.join(sorted(SUFFIXES))}), got {len(found)}; some hundred are better"
        )
    images = read_crops(sample(found, MOST_PICTURES), size=size)
    half = len(images) // 2
    return CalibrationSet(name=folder.name, fitting=images[:half], held_out=images[half:])


def sample(paths: Sequence[Path], most: int) -> list[Path]:
    """Returns at most so many of the paths, shuffled, always the same ones."""
    order = np.random.default_rng(SEED).permutation(len(paths))[:most]
    return [paths[place] for place in order]


def read_crops(paths: Sequence[Path], /, *, size: int) -> Image:
    """Returns square pictures resampled to the network's input: uint8 (N, size, size, 3), RGB.

    Raises:
        SourceOpenError: a picture cannot be read or is not square.
    """
    crops = np.empty((len(paths), size, size, 3), np.uint8)
    for crop, path in zip(crops, paths, strict=True):
        image_bgr = read_image(path)
        height, width = image_bgr.shape[:2]
        if abs(width - height) > SQUARE_WITHIN * height:
            raise SourceOpenError(
                f"{path}: expected a square face crop, cut as the runtime cuts it, got "
                f"{width}x{height}"
            )
        whole = np.array([0, 0, width, width], np.float32)
        crop[:] = warp_square(image_bgr, whole, size=size)[:, :, ::-1]
    return crops
