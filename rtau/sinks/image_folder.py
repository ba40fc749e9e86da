"""Annotated copies of images, each with the name of its original (`rtau image --out-dir`).

Lossless originals become PNG, others JPEG. Each file is replaced atomically.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2

from rtau.data import FrameResult, Image, Picture
from rtau.errors import SinkError, UsageError
from rtau.overlay.video_colours import in_bgr
from rtau.protocols import SinkReport
from rtau.sinks._output_path import check_output, is_same_file
from rtau.sinks._part_file import FileLock, beside

# Originals in these formats get a PNG; others get a JPEG.
LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
# Visibly lossless at a tenth of a PNG's size.
JPEG_QUALITY = 92
# Larger pictures become PNG (ITU-T T.81 has 16 bits for the size).
JPEG_LONGEST_PX = 65_535


class ImageFolderSink:
    """Writes one annotated picture per image. Satisfies `rtau.protocols.Sink`."""

    wants_overlay = True
    is_view = False
    is_slow = True

    def __init__(self, folder: Path, *, file_of: Callable[[int], str]) -> None:
        """Creates the folder.

        Args:
            folder: where the pictures go.
            file_of: the original of a frame index.

        Raises:
            UsageError: another run writes to the folder.
            SinkError: the folder cannot be created.
        """
        self.name = str(folder)
        self._folder = folder
        self._file_of = file_of
        self._taken: dict[Path, str] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(
                f"folder {folder} cannot be created ({error.strerror}); choose another"
            ) from error
        self._lock = FileLock(folder)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Writes one picture.

        Raises:
            SinkError: it cannot be written, or two originals have one name.
        """
        if picture is None:
            raise ValueError(f"{self.name}: write needs a picture")
        original = self._file_of(result.frame.index)
        path = picture_path(self._folder, original)
        if max(result.frame.width, result.frame.height) > JPEG_LONGEST_PX:
            path = path.with_suffix(".png")
        if path in self._taken:
            raise SinkError(
                f"{self._taken[path]} and {original} would both be written to {path}; process "
                "them in separate runs"
            )
        if is_same_file(path, Path(original)):
            raise SinkError(f"output {path} is the input; choose another --out-dir")
        check_output(path)
        self._taken[path] = original
        self._write(path, in_bgr(picture))

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Ends the claim on the folder; every picture is complete once it is written."""
        self._lock.close()

    def _write(self, path: Path, image: Image) -> None:
        try:
            done, encoded = cv2.imencode(
                path.suffix, image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            )
        except cv2.error:
            done = False
        if not done:
            raise SinkError(
                f"{path} cannot be written: a picture of {image.shape[1]}x{image.shape[0]} px is "
                f"too large for {path.suffix[1:].upper()}; make it smaller"
            )
        part = beside(path, f"{path.suffix}.part", hidden=True)
        try:
            part.write_bytes(encoded.tobytes())
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise SinkError(
                f"{path} cannot be written ({error.strerror}); free space or choose another place"
            ) from error


def picture_path(folder: Path, original: str) -> Path:
    """Returns where the annotated copy of an image goes."""
    suffix = ".png" if Path(original).suffix.lower() in LOSSLESS else ".jpg"
    return folder / (Path(original).stem + suffix)


def check_names(folder: Path, originals: Sequence[Path], *, others: Iterable[Path] = ()) -> None:
    """Raises UsageError if a picture would replace another, an original, or one of `others`."""
    read = {os.path.realpath(path): path for path in originals}
    taken = {os.path.realpath(path) for path in others}
    first: dict[Path, Path] = {}
    for original in originals:
        path = picture_path(folder, str(original))
        other = first.setdefault(path, original)
        if other is not original:
            raise UsageError(
                f"{other} and {original} would both be written to {path}; process them in "
                "separate runs"
            )
        real = os.path.realpath(path)
        if real in taken:
            raise UsageError(f"two outputs have the same name: {path}; choose another")
        if real in read:
            raise UsageError(f"output {path} is the input {read[real]}; choose another --out-dir")
