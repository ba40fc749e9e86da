"""Reads a folder in the rendered-crops layout: pictures, AU intensities, landmarks, groups.

    crops/            square RGB pictures of equal size, in any subfolders
    labels.csv        a row per picture: `file` (under crops/), one column per AU (`AU01`, ...)
                      with its intensity 0-5, and any columns that describe the person or scene
    landmarks68.npz   `xy`: (rows, 68, 2), iBUG order, px in the picture, rows as in labels.csv

Every picture must show another head: the splits count on it. Pictures are decoded once and kept
in memory; augmentation is elsewhere. Called by the loop and by the evaluation.
"""

from __future__ import annotations

import csv
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.errors import SourceOpenError

# Occurrence of an AU wherever intensity is known: FACS B ("slight") is 2 on the 0-5 scale.
OCCURS_FROM = 2.0


@dataclasses.dataclass(frozen=True)
class RenderedCrops:
    """A folder of labelled pictures; the pixels are read by `images`."""

    folder: Path
    files: tuple[str, ...]
    """Paths under crops/, a row each."""
    intensities: npt.NDArray[np.float32]
    """float32 (N, A), 0-5, AUs in the order asked for."""
    landmarks: npt.NDArray[np.float32]
    """float32 (N, 68, 2), px in the picture."""
    columns: dict[str, npt.NDArray[np.str_]]
    """The other columns of labels.csv, as text (N,)."""

    def __len__(self) -> int:
        return len(self.files)

    def images(self, rows: npt.NDArray[np.int64]) -> Image:
        """Returns the pictures of some rows: uint8 (len(rows), H, H, 3), RGB.

        Raises:
            SourceOpenError: a picture cannot be read or differs in size.
        """
        first = self._image(int(rows[0]))
        images = np.empty((len(rows), *first.shape), np.uint8)

        def read(place: int) -> None:
            image = self._image(int(rows[place]))
            if image.shape != first.shape:
                raise SourceOpenError(
                    f"{self._path(int(rows[place]))}: pictures must have one size, "
                    f"{first.shape[:2]}, got {image.shape[:2]}"
                )
            images[place] = image

        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(read, range(len(rows))))
        return images

    def _path(self, row: int) -> Path:
        return self.folder / "crops" / self.files[row]

    def _image(self, row: int) -> Image:
        image_bgr = cv2.imread(str(self._path(row)), cv2.IMREAD_COLOR)
        if image_bgr is None:
            raise SourceOpenError(f"{self._path(row)}: the picture is missing or unreadable")
        return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def read_folder(folder: Path, *, labels: tuple[str, ...]) -> RenderedCrops:
    """Returns a folder's labels and landmarks; pictures are not touched yet.

    Raises:
        SourceOpenError: a file is missing, or a column or value is not as the layout says.
    """
    table = _read_table(folder / "labels.csv", needed=("file", *labels))
    landmarks = _read_landmarks(folder / "landmarks68.npz", rows=len(table["file"]))
    try:
        intensities = np.stack([np.array(table.pop(label), np.float32) for label in labels], 1)
    except ValueError as error:
        raise SourceOpenError(
            f"{folder / 'labels.csv'}: an intensity is no number ({error})"
        ) from None
    if not ((intensities >= 0) & (intensities <= 5)).all():
        row, column = np.argwhere(~((intensities >= 0) & (intensities <= 5)))[0]
        raise SourceOpenError(
            f"{folder / 'labels.csv'}: intensities must lie in [0, 5], got "
            f"{intensities[row, column]} for {labels[column]} in data row {row + 1}"
        )
    files = tuple(table.pop("file"))
    columns = {name: np.array(values) for name, values in table.items()}
    return RenderedCrops(folder, files, intensities, landmarks, columns)


def _read_table(path: Path, *, needed: tuple[str, ...]) -> dict[str, list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise SourceOpenError(
            f"{path}: labels cannot be read ({error.strerror}); --data must name a folder with "
            "crops/, labels.csv and landmarks68.npz"
        ) from None
    for name in needed:
        if not rows or name not in rows[0]:
            raise SourceOpenError(f"{path}: column {name} is missing or there are no rows")
    return {name: [row[name] or "" for row in rows] for name in rows[0]}


def _read_landmarks(path: Path, *, rows: int) -> npt.NDArray[np.float32]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            landmarks = np.asarray(archive["xy"], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise SourceOpenError(f"{path}: landmarks cannot be read ({error})") from None
    if landmarks.shape != (rows, 68, 2) or not np.isfinite(landmarks).all():
        raise SourceOpenError(f"{path}: xy must be finite ({rows}, 68, 2), got {landmarks.shape}")
    return landmarks
