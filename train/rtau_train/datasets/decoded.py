"""The decoded pictures of a folder of many small crops, kept in one file beside them.

Opening 35,887 files of FER2013 can take minutes, in every command anew; reading one file takes a
second. The file is made by the first command that reads the folder, and made again when a picture
has changed. Called by `rtau_train.datasets.crop_folder`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rtau.data import Image
from rtau.errors import SinkError, SourceOpenError
from rtau_train.records import BROKEN_NPZ
from rtau_train.whole_file import whole_file

FILE_NAME = "decoded.npz"
# Larger pictures are few in a gigabyte, and decoding them costs more than opening them.
LARGEST_PX = 64
FEWEST = 1000
# Decoding releases Python's lock, so two threads keep two cores busy; more wait for the disk.
READERS = 2

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Decoded:
    """The pictures of some rows, decoded."""

    images: Image
    """uint8 (M, H, H, 3), RGB, or (M, H, H) where all are grey."""
    rows: npt.NDArray[np.int64]
    """int64 (N,): which of them each row has."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: npt.NDArray[np.int64], /) -> Decoded:
        """Returns the pictures of some rows."""
        return dataclasses.replace(self, rows=self.rows[rows])

    def one(self, row: int, /) -> Image:
        """Returns a copy of the picture of a row: uint8 (H, H, 3), RGB."""
        image = self.images[self.rows[row]]
        return np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image.copy()


def read_picture(path: Path, /) -> Image:
    """Returns a picture file: uint8 (H, W, 3), RGB.

    Raises:
        SourceOpenError: it is missing or unreadable.
    """
    image_bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image_bgr is None:
        raise SourceOpenError(f"{path}: the picture is missing or unreadable")
    return np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def decoded_pictures(folder: Path, pictures: Sequence[Path], /) -> Decoded:
    """Returns all pictures of a folder, from its file if that is of these pictures.

    Raises:
        SourceOpenError: a picture is missing, unreadable or differs in size.
    """
    path, key = folder / FILE_NAME, _key(pictures)
    images = _kept(path, key)
    if images is None:
        images = _decode(pictures)
        try:
            with whole_file(path) as part, part.open("wb") as file:
                np.savez(file, images=images, key=np.array(key))
        except SinkError as error:  # the pictures may lie where nobody may write
            _LOG.warning("%s; every command will decode the pictures anew", error)
    return Decoded(images, np.arange(len(pictures), dtype=np.int64))


def _key(pictures: Sequence[Path]) -> str:
    """Returns a SHA-256 over names, sizes and times of the files."""
    digest = hashlib.sha256()
    for path in pictures:
        try:
            found = path.stat()
        except OSError:
            raise SourceOpenError(f"{path}: the picture is missing or unreadable") from None
        name = f"{path.parent.name}/{path.name}"
        digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _kept(path: Path, key: str) -> Image | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return np.asarray(archive["images"], np.uint8) if archive["key"] == key else None
    except FileNotFoundError:
        return None
    except BROKEN_NPZ as error:
        _LOG.warning("%s cannot be read (%s); it is made again", path, error)
        return None


def _decode(pictures: Sequence[Path]) -> Image:
    first = read_picture(pictures[0])
    images = np.empty((len(pictures), *first.shape), np.uint8)

    def read(place: int) -> None:
        image = read_picture(pictures[place])
        if image.shape != first.shape:
            raise SourceOpenError(
                f"{pictures[place]}: pictures must have one size, {first.shape[:2]}, got "
                f"{image.shape[:2]}"
            )
        images[place] = image

    with ThreadPoolExecutor(max_workers=READERS) as pool:
        list(pool.map(read, range(len(pictures))))
    is_grey = bool((images == images[..., :1]).all())
    return images[..., 0].copy() if is_grey else images
