"""Frames of a network stream (rtsp, http, udp, ...) through PyAV, with a bounded wait.

Opens a lost stream again, a few times, ever more slowly. Called by `open_source`; a file served
over http is played through like a file, not live.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtau.data import Frame, Image, Planes
from rtau.errors import SourceError, SourceOpenError
from rtau.media import open_media
from rtau.protocols import MediaOrigin, SourceInfo, SourceReport
from rtau.shown import without_passwords
from rtau.sources._latest_frame import LatestFrameReader
from rtau.sources.decoding import (
    declares_length,
    frame_count,
    nominal_rate,
    start_time_s,
    time_base,
)
from rtau.sources.frame_decoder import FrameDecoder
from rtau.sources.pictures import PictureMaker, UnsupportedColours
from rtau.sources.presentation_clock import PresentationClock
from rtau.sources.stream_choice import left_out_note, picture_stream

# Waits before opening a lost stream again: doubled each time, up to the last.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 4.0
# Opening is two bounded waits (connect, then probe the stream), reading one; and some slack.
WAITS_PER_TRY = 3
SLACK_S = 2.0
# A web server may be slow without having stalled: opening and each packet may take so many times
# as long as it may be silent.
HTTP_PATIENCE = 6
# TCP where the server has it (UDP loses packets), and no local file: a playlist from the network
# must not read one. (Not `nobuffer`: it throws away what was read to recognise the stream, the
# first key frame with it.)
OPTIONS = {
    "rtsp_flags": "prefer_tcp",
    "protocol_whitelist": "http,https,httpproxy,tcp,udp,tls,rtp,rtsp,rtmp,srt,crypto,data",
}


class StreamSource:
    """The frames of a stream, live: only the newest is kept. A `Source`.

    * `time_s` is when the frame was decoded, on a clock that never goes back, 0 at the first.
    * No frame for `timeout_s`, or the end of the connection, is a loss: the stream is opened again
      up to so many times in a row, then a SourceError. The report counts the successes.
    * What cannot be decoded counts as corrupt.
    * A frame of another size than the first is fitted to the first one's size.
    * A stream that declares its length, as time or in bytes, is a file: `is_live` is False, no
      frame is dropped, `time_s` is its timestamp, its end is the end, and a loss is not made good.
    * Interlaced pictures are de-interlaced.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 5.0,
        reconnects: int = 5,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the stream and waits for the first frame.

        Args:
            url: where the stream is.
            timeout_s: longest wait for the server and for a frame, seconds.
            reconnects: how many times in a row a lost stream is opened again.
            first_pause_s: wait before the first of these, doubled for each further one.
            clock: monotonic seconds.

        Raises:
            SourceOpenError: no connection, no video, or no frame; opening is tried once.
        """
        self._url, self._name = url, without_passwords(url)
        self._timeout_s, self._clock = timeout_s, clock
        self._options, self._patience_s = dict(OPTIONS), timeout_s
        if url.partition(":")[0].lower() in ("http", "https"):
            self._options["rw_timeout"] = str(round(timeout_s * 1e6))
            self._patience_s *= HTTP_PATIENCE
        self._pauses = [
            min(first_pause_s * 2**attempt, LONGEST_PAUSE_S) for attempt in range(reconnects)
        ]
        self._pictures = PictureMaker(name=self._name)
        self._started_s: float | None = None
        self._index = 0
        self._corrupt = 0
        self._reconnects = 0
        self.is_live = True
        self._nominal_fps: Fraction | None = None
        self._frame_count: int | None = None
        self._origin: MediaOrigin | None = None
        self._left_out: str | None = None
        self._decoder: FrameDecoder | None = None
        self._reader = LatestFrameReader(self._capture, name="rtau-stream")
        first = self._first_frame()
        self.info = SourceInfo(
            name=self._name,
            width=first.width,
            height=first.height,
            nominal_fps=self._nominal_fps,
            frame_count=self._frame_count,
        )

    def __iter__(self) -> Iterator[Frame]:
        """Yields frames until the end or `close()`.

        Raises:
            SourceError: the stream was lost and did not come back.
        """
        tries = len(self._pauses) + 1
        timeout_s = tries * WAITS_PER_TRY * self._patience_s + sum(self._pauses) + SLACK_S
        try:
            yield from self._reader.frames(timeout_s=timeout_s)
        except TimeoutError as error:
            raise SourceError(f"{self._name}: {error}; check the network") from error

    def report(self) -> SourceReport:
        """Returns corrupt and dropped frames, how often the stream was opened again, and notes."""
        done = None if self._decoder is None else self._decoder.note
        return SourceReport(
            corrupt=self._corrupt,
            dropped=self._reader.dropped,
            reconnects=self._reconnects,
            notes=tuple(note for note in (self._left_out, done) if note),
            origin=self._origin,
        )

    def close(self) -> None:
        """Leaves the stream; ends an iteration in another thread at once."""
        self._reader.close(timeout_s=self._timeout_s + SLACK_S)

    def __enter__(self) -> StreamSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_frame(self) -> Frame:
        timeout_s = WAITS_PER_TRY * self._patience_s + SLACK_S
        try:
            first = self._reader.wait_for_first(
                timeout_s=timeout_s, close_timeout_s=self._timeout_s
            )
        except TimeoutError:
            raise SourceOpenError(
                f"{self._name}: no answer within {timeout_s:g} s; check the address"
            ) from None
        if first is None:
            raise SourceOpenError(f"{self._name}: the stream ended without a frame")
        return first

    def _capture(self, reader: LatestFrameReader) -> Generator[Frame, None, None]:
        """The capture loop, on its own thread: connection after connection."""
        losses = 0
        while True:
            reason = "the server ended it"
            try:
                for frame in self._connection(reader):
                    self._reconnects += losses > 0
                    losses = 0
                    yield frame
            except _ConnectionLostError as error:
                reason = str(error)
                if not self.is_live:
                    raise SourceError(f"{self._name}: broke off in the middle: {reason}") from error
            if reader.stopped.is_set() or not self.is_live:
                return
            self._check_losses(losses, reason)
            reader.stopped.wait(self._pauses[losses])
            losses += 1

    def _check_losses(self, losses: int, reason: str) -> None:
        if self._started_s is None:  # not one frame came
            raise SourceOpenError(
                f"{self._name}: cannot be opened ({reason}); check the address and the network"
            )
        if losses == len(self._pauses):
            raise SourceError(
                f"{self._name}: lost ({reason}) and not back after {losses} tries to open it "
                "again; check the server and the network"
            )

    def _connection(self, reader: LatestFrameReader) -> Iterator[Frame]:
        """Yields the frames of one connection, from opening to its end.

        Raises:
            _ConnectionLostError: it could not be made, broke, or gave no frame for too long.
        """
        with self._opened() as container:
            try:
                stream = picture_stream(container, reopened=self._opened)
            except ValueError as error:
                raise SourceOpenError(
                    f"{self._name}: expected a video stream, got {error}"
                ) from error
            if self._index == 0:
                self._describe(container, stream)
                reader.drops = self.is_live
            clock = PresentationClock(
                time_base=time_base(stream),
                nominal_fps=nominal_rate(stream),
                zero_s=start_time_s(container, stream),
            )
            self._decoder = decoder = FrameDecoder(container, stream)
            for decoded in self._decoded(container, decoder, reader):
                image = None if decoded is None else self._picture(decoded, decoder)
                if decoded is not None and image is not None:
                    yield Frame(
                        index=self._index,
                        time_s=self._live_s() if self.is_live else clock.time_s(decoded.pts),
                        picture=image,
                    )
                else:
                    self._corrupt += 1
                self._index += 1

    def _opened(self) -> InputContainer:
        try:
            limits = (self._patience_s, self._patience_s)
            return open_media(self._url, options=self._options, timeouts_s=limits)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise _ConnectionLostError(self._reason(error)) from error

    def _decoded(
        self,
        container: InputContainer,
        decoder: FrameDecoder,
        reader: LatestFrameReader,
    ) -> Iterator[VideoFrame | None]:
        last_s = self._clock()
        try:
            # All streams, not only the pictures': a server that sends sound alone has stalled too.
            for packet in container.demux():
                if reader.stopped.is_set():
                    return
                if packet.stream.index == decoder.stream_index:
                    for decoded in decoder.frames(cast("Packet[VideoStream]", packet)):
                        yield decoded
                        last_s = self._clock() if decoded is not None else last_s
                if self.is_live and self._clock() - last_s > self._timeout_s:
                    raise _ConnectionLostError(f"no frame for {self._timeout_s:g} s")
        except av.FFmpegError as error:
            raise _ConnectionLostError(self._reason(error)) from error

    def _picture(self, decoded: VideoFrame, decoder: FrameDecoder) -> Image | Planes | None:
        try:
            return decoder.picture(decoded, self._pictures)
        except UnsupportedColours as error:
            raise SourceError(f"{self._name}: {error}") from error

    def _describe(self, container: InputContainer, stream: VideoStream) -> None:
        self.is_live = not declares_length(container, stream)
        self._nominal_fps = nominal_rate(stream)
        self._frame_count = None if self.is_live else frame_count(container, stream)
        self._left_out = left_out_note(container, stream)
        if not self.is_live:
            self._origin = MediaOrigin(
                self._url,
                start_time_s(container, stream),
                stream.index,
                options=self._options,
                timeouts_s=(self._patience_s, self._patience_s),
            )

    def _live_s(self) -> float:
        now_s = self._clock()
        if self._started_s is None:
            self._started_s = now_s
        return now_s - self._started_s

    def _reason(self, error: Exception) -> str:
        if isinstance(error, av.error.ExitError):
            if self._patience_s > self._timeout_s:
                return f"no picture within {self._patience_s:g} s"
            return f"no data for {self._timeout_s:g} s"
        if "rw_timeout" in self._options:
            if getattr(error, "errno", None) == errno.ETIMEDOUT:
                return f"no data for {self._timeout_s:g} s"
            # Nothing within `rw_timeout` as well, or an answer that ends early, or a redirection
            # that leads in a ring: FFmpeg does not tell them apart.
            if getattr(error, "errno", None) == errno.EIO:
                return "the server gives no more data"
        # The whole text repeats the address, and with it any password.
        return getattr(error, "strerror", None) or type(error).__name__


class _ConnectionLostError(Exception):
    """One connection is over; the text says why."""
