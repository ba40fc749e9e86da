"""Reads a table of 68 landmarks per image: `file`, `x0`, `y0`, ..., `x67`, `y67`.

Points are iBUG's, in pixels of the source image as it is read (upright), pixel i covering
[i, i + 1). Carries them into a crop; finds none itself. Called by the command line and the writer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau import geometry
from rtau.errors import SourceOpenError
from rtau_train.datasets.prepare.tables import stream_csv

POINTS: Final = 68
COLUMNS: Final = tuple(f"{axis}{point}" for point in range(POINTS) for axis in "xy")

Points = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmarks of some images."""

    path: Path
    points: Mapping[str, Points]
    """Name of the image -> float32 (68, 2), px."""
    wrong: Mapping[str, str]
    """Name of the image -> why its row cannot be used."""

    def of(self, name: str, /) -> Points:
        """Returns an image's points.

        Raises:
            ValueError: there are none that can be used; the text says why.
        """
        if name in self.points:
            return self.points[name]
        raise ValueError(self.wrong.get(name, f"no landmarks in {self.path.name}"))


def read_landmarks(path: Path, /) -> Landmarks:
    """Returns the landmarks of a CSV.

    Raises:
        SourceOpenError: the file cannot be read or a column is missing.
    """
    columns, rows = stream_csv(path)
    missing = [name for name in ("file", *COLUMNS) if name not in columns]
    if missing:
        raise SourceOpenError(
            f"{path}: column {missing[0]} is missing; landmarks need the columns file, x0, y0, "
            "..., x67, y67"
        )
    points: dict[str, Points] = {}
    wrong: dict[str, str] = {}
    for row in rows:
        name = PurePosixPath(row["file"].replace("\\", "/")).as_posix()
        if name in points or name in wrong:
            points.pop(name, None)
            wrong[name] = f"{path.name}: the image is listed twice"
            continue
        try:
            flat = np.array([float(row[column]) for column in COLUMNS])
        except ValueError:
            flat = np.full(len(COLUMNS), np.nan)
        if (np.abs(flat) < geometry.MAX_PX).all():
            points[name] = flat.reshape(POINTS, 2).astype(np.float32)
        else:
            wrong[name] = f"{path.name}: a landmark in data row {row.number} is no number"
    return Landmarks(path, points, wrong)


def in_crop(points: Points, image_from_crop: geometry.Maps, /, *, size_px: int) -> Points:
    """Returns points of the source image in pixels of the crop that a map points at: (68, 2).

    Raises:
        ValueError: their centre lies outside the crop, so they belong to another face.
    """
    crop_from_image = geometry.invert(image_from_crop[None])
    moved = np.asarray(geometry.apply(crop_from_image, points[None])[0], dtype=np.float32)
    centre = moved.mean(axis=0)
    if not ((centre >= 0) & (centre <= size_px)).all():
        raise ValueError("the landmarks belong to another face than the one found")
    return moved
