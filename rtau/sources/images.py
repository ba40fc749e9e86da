"""Image files as frames, one each: photographs, folders of them, exported frames.

Nothing in an image says when it was taken relative to the next, so time is the position in the
list. Called by `rtau image` with the files that `expand_images` found, and by `open_source`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from rtau.data import Frame, Image
from rtau.errors import SourceOpenError, UsageError
from rtau.protocols import SourceInfo, SourceReport
from rtau.sources.image_container import is_cut_off, more_pictures, stored_orientation

# Files that a note names; of more it gives the number.
NAMED_FILES = 3
# What cannot be read is often one of these.
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


class ImageSource:
    """The images of a list of files, in that order. A `Source`.

    * `index` is the position in `paths` and `time_s` is the index, in seconds: images have no time.
    * EXIF orientation is applied, and of an AVIF its rotation and mirror; 16 bits become 8, grey
      becomes BGR, alpha is dropped.
    * Of several pages, or of an animation, the first picture is a frame; a note of the report names
      the files with more.
    * Each frame has its own image's size; `info` has the first one's.
    * A file that cannot be read, or only in part, is skipped, counts as corrupt, is listed in
      `skipped` and named by a note; its index is missing. When no file can be read, opening fails.
    """

    is_live = False

    def __init__(self, paths: Sequence[Path | str]) -> None:
        """Reads the first image that can be read.

        Raises:
            UsageError: no path.
            SourceOpenError: not one of the files is an image that can be read.
        """
        self.paths = tuple(Path(path) for path in paths)
        if not self.paths:
            raise UsageError("an image source needs at least one file, got none")
        self.skipped: list[tuple[Path, str]] = []
        self._unscored: list[str] = []
        self._closed = False
        self._frames = self._read_all()
        self._first = next(self._frames, None)
        if self._first is None:
            raise SourceOpenError(self._nothing_read())
        many = len(self.paths) > 1
        self.info = SourceInfo(
            name=f"{len(self.paths)} images" if many else str(self.paths[0]),
            width=self._first.width,
            height=self._first.height,
            nominal_fps=None,
            frame_count=len(self.paths),
        )

    def report(self) -> SourceReport:
        """Returns how many files could not be read so far, and what was not scored."""
        notes = []
        if self.skipped:
            texts = [text for _, text in self.skipped]
            notes.append(f"{counted_files(texts)} could not be read: {listed(texts)}")
        if self._unscored:
            notes.append(
                "only the first picture was scored of "
                f"{counted_files(self._unscored)}: {listed(self._unscored)}"
            )
        return SourceReport(corrupt=len(self.skipped), notes=tuple(notes))

    def name_of(self, index: int) -> str:
        """Returns the path of the frame with that index, as it was given."""
        return str(self.paths[index])

    def __iter__(self) -> Iterator[Frame]:
        """Yields an image per file that can be read."""
        while not self._closed:
            frame, self._first = self._first, None
            frame = frame or next(self._frames, None)
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        """Ends an iteration after the image it is at; no file is held open."""
        self._closed = True

    def __enter__(self) -> ImageSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_all(self) -> Iterator[Frame]:
        for index, path in enumerate(self.paths):
            try:
                raw = _content(path)
                image = decode_image(raw, name=str(path))
            except SourceOpenError as error:
                self.skipped.append((path, str(error)))
            else:
                if more := more_pictures(raw):
                    self._unscored.append(f"{path} ({more})")
                yield Frame(index=index, time_s=float(index), picture=image)

    def _nothing_read(self) -> str:
        first = self.skipped[0][1]
        if len(self.paths) == 1:
            return first
        return f"none of {len(self.paths)} images can be read; the first: {first}"


def read_image(path: Path) -> Image:
    """Returns the first image in a file, upright: uint8 (H, W, 3), BGR.

    Raises:
        SourceOpenError: no such file, not an image, or cut off; the text says which.
    """
    return decode_image(_content(path), name=str(path))


def decode_image(raw: bytes, *, name: str) -> Image:
    """Returns the first image in the bytes of a file, upright: uint8 (H, W, 3), BGR.

    Raises:
        SourceOpenError: not an image, or cut off; `name` opens the text.
    """
    if is_cut_off(raw):
        raise SourceOpenError(f"{name}: the image is cut off; copy the file again")
    image = _decoded(raw)
    if image is None:
        what = f"{len(raw)} bytes"
        if raw[4:8] == b"ftyp" and raw[8:12] in HEIC_BRANDS:
            what = "HEIC, which OpenCV does not decode: convert it to JPEG"
        raise SourceOpenError(
            f"{name}: not an image that can be read ({what}); expected JPEG, PNG, WebP, AVIF, BMP, "
            "TIFF or the like"
        )
    return image


def counted_files(texts: Sequence[str]) -> str:
    """Returns `1 file` or `12 files`."""
    return f"{len(texts)} file{'' if len(texts) == 1 else 's'}"


def listed(texts: Sequence[str]) -> str:
    """Returns the first few of some texts, and how many more there are."""
    more = len(texts) - NAMED_FILES
    return "; ".join(texts[:NAMED_FILES]) + (f"; and {more} more" if more > 0 else "")


def _content(path: Path) -> bytes:
    if not path.exists():
        raise SourceOpenError(f"{path}: there is no such file; check the path")
    if not path.is_file():
        raise SourceOpenError(f"{path}: expected an image file, got a folder, a pipe or a device")
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be read ({error.strerror})") from error


def _decoded(raw: bytes) -> Image | None:
    if not raw:
        return None
    turn = stored_orientation(raw)
    # Where the container says how to turn a picture, its EXIF block is to be ignored.
    exif = 0 if turn is None else cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR | exif)
    except cv2.error:  # too large a header, a float TIFF, ...
        return None
    if image is None:
        return None
    stored = np.asarray(image, dtype=np.uint8)
    return stored if turn is None else np.ascontiguousarray(turn.upright(stored))
