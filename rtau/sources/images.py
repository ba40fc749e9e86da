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

# Markers that open the pixels of a JPEG and that end the file (ITU-T T.81, table B.1).
JPEG_SCAN, JPEG_END = b"\xff\xda", b"\xff\xd9"
PNG_END = b"IEND"


class ImageSource:
    """The images of a list of files, in that order. A `Source`.

    * `index` is the position in `paths` and `time_s` is the index, in seconds: images have no time.
    * EXIF orientation is applied; 16 bits become 8, grey becomes BGR, alpha is dropped.
    * Each frame has its own image's size; `info` has the first one's.
    * A file that cannot be read, or only in part, is skipped, counts as corrupt and is listed
      in `skipped`; its index is missing. When no file can be read, opening fails.
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
        """Returns how many files could not be read so far."""
        return SourceReport(corrupt=len(self.skipped))

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
                image = read_image(path)
            except SourceOpenError as error:
                self.skipped.append((path, str(error)))
            else:
                yield Frame(index=index, time_s=float(index), picture=image)

    def _nothing_read(self) -> str:
        first = self.skipped[0][1]
        if len(self.paths) == 1:
            return first
        return f"none of {len(self.paths)} images can be read; the first: {first}"


def read_image(path: Path) -> Image:
    """Returns the image in a file, upright: uint8 (H, W, 3), BGR.

    Raises:
        SourceOpenError: no such file, not an image, or cut off; the text says which.
    """
    if not path.exists():
        raise SourceOpenError(f"{path}: there is no such file; check the path")
    if not path.is_file():
        raise SourceOpenError(f"{path}: expected an image file, got a folder, a pipe or a device")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be read ({error.strerror})") from error
    return decode_image(raw, name=str(path))


def decode_image(raw: bytes, *, name: str) -> Image:
    """Returns the image in the bytes of a file, upright: uint8 (H, W, 3), BGR.

    Raises:
        SourceOpenError: not an image, or cut off; `name` opens the text.
    """
    if _is_cut_off(raw):
        raise SourceOpenError(f"{name}: the image is cut off; copy the file again")
    image = _decoded(raw)
    if image is None:
        raise SourceOpenError(
            f"{name}: not an image that can be read ({len(raw)} bytes); expected JPEG, PNG, WebP, "
            "BMP, TIFF or the like"
        )
    return image


def _decoded(raw: bytes) -> Image | None:
    if not raw:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # too large a header, a float TIFF, ...
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _is_cut_off(raw: bytes) -> bool:
    """Returns True for a JPEG or a PNG without its end.

    The decoders would fill the rest with grey and say nothing. In a JPEG's pixels 0xff is always
    escaped, so that the last scan marker is a real one, and the end must come after it.
    """
    if raw.startswith(b"\xff\xd8"):
        return raw.rfind(JPEG_END) <= raw.rfind(JPEG_SCAN)
    return raw.startswith(b"\x89PNG") and PNG_END not in raw[-64:]
