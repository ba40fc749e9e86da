"""Frames of a video file with their own presentation times, through PyAV.

Decodes pictures only: the mp4 sink reads the sound from the file that the report names. Called by
`open_source`, one object per file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtau.data import Frame
from rtau.errors import SourceError, SourceOpenError
from rtau.media import LOCAL_OPTIONS, file_address, open_media
from rtau.protocols import MediaOrigin, SourceInfo, SourceReport
from rtau.sources.decoding import frame_count, nominal_rate, start_time_s, time_base
from rtau.sources.frame_decoder import FrameDecoder
from rtau.sources.pictures import PictureMaker, UnsupportedColours
from rtau.sources.presentation_clock import PresentationClock
from rtau.sources.stream_choice import left_out_note, picture_stream

# So many places of one file that cannot be read, and it is given up as ended.
MOST_BROKEN_READS = 100


class VideoFileSource:
    """The frames of one file: upright, square pixels, BGR, all of one size. A `Source`.

    * `time_s` is the frame's timestamp times the time base, less its start time: a late
      start and a variable rate are kept. (`PresentationClock` says what becomes of timestamps that
      go back or are missing.)
    * A frame that cannot be decoded, or only with patches, is skipped and counts as corrupt; it
      takes an index, so `Frame.index` has a gap there.
    * A file cut short gives the frames up to the cut.
    * Where the picture's size changes, later frames are fitted to the first one's size.
    * Interlaced pictures are de-interlaced.
    """

    is_live = False

    def __init__(self, path: Path | str) -> None:
        """Opens the file and decodes the first frame, so that a bad file fails here.

        Raises:
            SourceOpenError: no such file, not a video, no picture in it that can be decoded.
        """
        self._path = Path(path)
        _check_file(self._path)
        self._corrupt = 0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._container = _open_container(self._path)
        try:
            self._stream = _picture_stream(self._container, self._path)
            self._left_out = left_out_note(self._container, self._stream)
            self._decoder = FrameDecoder(self._container, self._stream)
            self._origin = MediaOrigin(
                file_address(self._path),
                start_time_s(self._container, self._stream),
                self._stream.index,
                options=LOCAL_OPTIONS,
                path=self._path,
            )
            self._frames = self._decode()
            self._first: Frame | None = self._first_frame()
        except BaseException:
            self._container.close()
            raise
        self.info = SourceInfo(
            name=str(self._path),
            width=self._first.width,
            height=self._first.height,
            nominal_fps=nominal_rate(self._stream),
            frame_count=frame_count(self._container, self._stream),
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames in the order they are shown.

        Raises:
            SourceError: the file could not be read on (the disk failed, not the video).
        """
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Closes the file; an iteration in another thread ends at its next frame."""
        self._closing.set()
        with self._lock:
            self._container.close()

    def __enter__(self) -> VideoFileSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self) -> SourceReport:
        """Returns the file, how many of its frames could not be decoded so far, and notes."""
        return SourceReport(
            corrupt=self._corrupt,
            notes=tuple(note for note in (self._left_out, self._decoder.note) if note),
            origin=self._origin,
        )

    def _next(self) -> Frame | None:
        with self._lock:
            if self._closing.is_set():
                return None
            first, self._first = self._first, None
            return first if first is not None else next(self._frames, None)

    def _first_frame(self) -> Frame:
        try:
            first = next(self._frames, None)
        except SourceError as error:
            raise SourceOpenError(*error.args) from error
        if first is None:
            damage = f" ({self._corrupt} damaged)" if self._corrupt else ""
            raise SourceOpenError(
                f"{self._path}: the file has no frame that can be decoded{damage}; "
                "check that it plays"
            )
        return first

    def _decode(self) -> Iterator[Frame]:
        """Yields every good frame; counts the others."""
        clock = PresentationClock(
            time_base=time_base(self._stream),
            nominal_fps=nominal_rate(self._stream),
            zero_s=self._origin.start_time_s,
        )
        pictures = PictureMaker(name=str(self._path))
        for index, decoded in enumerate(self._decoded()):
            image = None
            if decoded is not None:
                time_s = clock.time_s(decoded.pts)
                try:
                    image = self._decoder.picture(decoded, pictures)
                except UnsupportedColours as error:
                    raise SourceError(f"{self._path}: {error}") from error
            if image is None:
                self._corrupt += 1
            else:
                yield Frame(index=index, time_s=time_s, picture=image)

    def _decoded(self) -> Iterator[VideoFrame | None]:
        for packet in self._packets():
            if self._closing.is_set():
                return
            yield from self._decoder.frames(packet)

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Yields the stream's packets; places that cannot be read are stepped over."""
        for _ in range(MOST_BROKEN_READS):
            try:
                yield from self._container.demux(self._stream)
            except av.error.InvalidDataError:
                self._corrupt += 1
            except av.FFmpegError as error:
                raise SourceError(
                    f"{self._path}: reading failed in the middle ({error.strerror}); "
                    "check the disk and run again"
                ) from error
            else:
                return


def _check_file(path: Path) -> None:
    """Raises SourceOpenError unless the path is a file with something in it.

    A pipe or a device would block or never end, so only regular files pass.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise SourceOpenError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise SourceOpenError(f"{path}: cannot be opened ({error.strerror})") from error
    if path.is_dir():
        raise SourceOpenError(f"{path}: expected a video file, got a folder")
    if not path.is_file():
        raise SourceOpenError(f"{path}: expected a video file, got a pipe or a device")
    if status.st_size == 0:
        raise SourceOpenError(f"{path}: expected a video file, got an empty file (0 bytes)")


def _open_container(path: Path) -> InputContainer:
    """Returns the open container."""
    try:
        return open_media(file_address(path), options=LOCAL_OPTIONS)
    except av.error.InvalidDataError as error:
        raise SourceOpenError(
            f"{path}: not a video that can be read: no known format, or cut off before its index "
            "(an mp4 whose recording was not finished); check that it plays"
        ) from error
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceOpenError(f"{path}: cannot be opened ({reason})") from error


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    try:
        return picture_stream(container, reopened=lambda: _open_container(path))
    except ValueError as error:
        raise SourceOpenError(f"{path}: expected a video file, got {error}") from error
