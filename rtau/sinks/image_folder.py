"""Annotated copies of images: one (`rtau image --out`), or one of each (`--out-dir`).

In a folder they have the names of their originals, lossless ones as PNG, others as JPEG. Each file
is replaced atomically.
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
from rtau.replacing import replacing
from rtau.sinks._output_path import check_distinct, check_output, is_same_file
from rtau.sinks._part_file import FileLock

# Originals in these formats get a PNG; others get a JPEG.
LOSSLESS = (".png", ".bmp", ".tif", ".tiff")
# Visibly lossless at a tenth of a PNG's size.
JPEG_QUALITY = 92
# Larger pictures become PNG (ITU-T T.81 has 16 bits for the size).
JPEG_LONGEST_PX = 65_535
# Formats of one annotated picture.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


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
        write_picture(path, in_bgr(picture))

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Ends the claim on the folder; every picture is complete once it is written."""
        self._lock.close()


class ImageFileSink:
    """Writes the annotated picture of one image. Satisfies `rtau.protocols.Sink`."""

    wants_overlay = True
    is_view = False
    is_slow = True

    def __init__(self, path: Path) -> None:
        """Claims the file, whose name is checked (`check_picture`).

        Raises:
            UsageError: another run is writing it.
            SinkError: its directory cannot be written.
        """
        self.name = str(path)
        self._path = path
        self._lock = FileLock(path)

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:  # noqa: ARG002 - Sink
        """Writes the picture.

        Raises:
            SinkError: it cannot be written.
        """
        if picture is None:
            raise ValueError(f"{self.name}: write needs a picture")
        write_picture(self._path, in_bgr(picture))

    def report(self) -> SinkReport:
        """Returns an empty report."""
        return SinkReport()

    def close(self) -> None:
        """Ends the claim on the file, which is complete once it is written."""
        self._lock.close()


def write_picture(path: Path, image: Image) -> None:
    """Writes a picture in the format of its suffix: all of it or nothing.

    Raises:
        SinkError: it is too large for the format, or the disk is full.
    """
    try:
        is_jpeg = path.suffix.lower() in (".jpg", ".jpeg")
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if is_jpeg else []
        done, encoded = cv2.imencode(path.suffix, image, options)
    except cv2.error:
        done = False
    if not done:
        raise SinkError(
            f"{path} cannot be written: a picture of {image.shape[1]}x{image.shape[0]} px is "
            f"too large for {path.suffix[1:].upper()}; make it smaller"
        )
    with replacing(path) as part:
        part.write_bytes(encoded.tobytes())


def check_picture(path: Path, originals: Sequence[Path], *, others: Iterable[Path] = ()) -> None:
    """Raises unless the annotated picture of the one original can be written to a path.

    Raises:
        UsageError: there are several originals, the suffix is no picture's, or the path is an
            original or one of `others`.
        SinkError: its directory is missing or not writable.
    """
    if len(originals) > 1:
        raise UsageError(
            f"--out {path} is one picture, and {len(originals)} images are named; give --out-dir "
            "DIR for a picture of each"
        )
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise UsageError(f"--out must end in {', '.join(PICTURE_SUFFIXES)}, got {path}")
    check_output(path, inputs=originals)
    check_distinct(path, others)


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
