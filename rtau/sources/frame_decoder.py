"""Decodes the packets of one picture stream: frames in the order they are shown, with timestamps.

Repairs what containers leave out: times of AVI, the pixel shape, fields. Opens nothing and makes no
pictures. Called by the video file and the stream source.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtau.data import Image, Planes
from rtau.sources.deinterlacing import Deinterlacer
from rtau.sources.pictures import PictureMaker, UnsupportedColours, is_believable_aspect

# Frames that a decoder holds back at most (H.264 and HEVC: 16).
MOST_HELD_BACK = 16


class FrameDecoder:
    """The decoder of one stream, from its first packet to its last."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        """Takes a stream that is set up for decoding and has not been read."""
        context = stream.codec_context
        self._stream = stream
        self.stream_index = stream.index
        # PyAV 17 does not tell it.
        self._deinterlacer = Deinterlacer(field_order=getattr(context, "field_order", 0))
        # A shape that only the codec tells may change in the middle; the container's does not.
        told = stream.sample_aspect_ratio
        is_containers = told != context.sample_aspect_ratio and is_believable_aspect(told)
        self._container_aspect = told if is_containers else None
        # AVI stores no presentation times, and FFmpeg's guesses are wrong where pictures are
        # reordered.
        self._is_ordered_by_decoding = container.format.name == "avi"
        self._decode_times: list[int] = []
        self._has_packets = False

    @property
    def note(self) -> str | None:
        """What was done to the pictures, for the run record; None if nothing was."""
        count = self._deinterlacer.frames
        return f"interlaced pictures: {count} de-interlaced" if count else None

    def frames(self, packet: Packet[VideoStream]) -> Iterator[VideoFrame | None]:
        """Yields the frames a packet completes; None stands for one that is damaged.

        The last packet of a stream is empty.
        """
        is_last = packet.size == 0 and packet.dts is None
        for frame in self._decoded(packet, is_last=is_last):
            if frame is None:
                yield from self._deinterlacer.flush()
                yield None
            else:
                yield from self._deinterlacer.push(frame)
        if is_last:
            yield from self._deinterlacer.flush()

    def picture(self, frame: VideoFrame, pictures: PictureMaker) -> Image | Planes | None:
        """Returns the frame's picture; None when this one cannot be converted.

        Raises:
            UnsupportedColours: no frame of this kind can be converted.
        """
        aspect = self._container_aspect or self._codec_aspect()
        try:
            return pictures.picture(frame, aspect=aspect)
        except UnsupportedColours:
            raise
        except (av.FFmpegError, ValueError):
            # ValueError is how PyAV refuses sizes and formats of a damaged header.
            return None

    def _codec_aspect(self) -> Fraction | None:
        return self._stream.codec_context.sample_aspect_ratio

    def _decoded(
        self, packet: Packet[VideoStream], *, is_last: bool
    ) -> Iterator[VideoFrame | None]:
        if not is_last:
            self._note_decode_time(packet)
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            return
        except av.FFmpegError:
            self._next_decode_time()
            yield None
            return
        for frame in frames:
            if self._is_ordered_by_decoding:
                frame.pts = self._next_decode_time()
            yield None if frame.is_corrupt else frame

    def _note_decode_time(self, packet: Packet[VideoStream]) -> None:
        if not self._has_packets:
            self._has_packets = True
            # Video for Windows in Matroska: the same without presentation times.
            has_times = packet.pts is not None or packet.dts is None
            self._is_ordered_by_decoding = self._is_ordered_by_decoding or not has_times
        if self._is_ordered_by_decoding and packet.dts is not None:
            heapq.heappush(self._decode_times, packet.dts)
            if len(self._decode_times) > MOST_HELD_BACK + 1:  # a frame was lost without an error
                heapq.heappop(self._decode_times)

    def _next_decode_time(self) -> int | None:
        """Returns the earliest decode time that no frame has; the n-th shown frame has the n-th."""
        return heapq.heappop(self._decode_times) if self._decode_times else None
