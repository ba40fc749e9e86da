"""What decoding a file and decoding a stream have in common: PyAV's packets become pictures.

Chooses the stream, decodes packet by packet and names what cannot be decoded; it opens nothing and
keeps no time. Called by the video file and the stream source.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtau.data import Image, Planes
from rtau.sources.pictures import PictureMaker, UnsupportedColours

# FFmpeg's unit of a container's own times.
CONTAINER_TICKS_PER_S = 1_000_000
# FFmpeg's AVFMT_TS_DISCONT, set for MPEG-TS and MPEG-PS.
CLOCKS_START_ANYWHERE = 0x0200
# With two, a damaged file gave other pixels from run to run, and intact 640x360 was no faster
# (0.53 ms a frame against 0.56; 1920x1080 2.9 ms against 1.9).
DECODER_THREADS = 1
# Titles in another encoding than UTF-8 must not keep a file from opening. PyAV 19 replaces such
# letters by itself and has no option for it; before, the default was to fail.
LENIENT: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
)


def picture_stream(container: InputContainer) -> VideoStream:
    """Returns the first stream of moving pictures, set up to decode with DECODER_THREADS.

    Raises:
        ValueError: there is none (a cover picture is none), or no decoder for it; the text says.
    """
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        kinds = sorted({str(stream.type) for stream in container.streams})
        raise ValueError(f"no video in it, only {' and '.join(kinds) or 'an empty index'}")
    stream = moving[0]
    # PyAV leaves the context out where its FFmpeg has no decoder.
    if stream.codec_context is None:
        raise ValueError("its video is coded in a way that this PyAV has no decoder for")
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = DECODER_THREADS
    return stream


def decoded_frames(stream: VideoStream, packet: Packet[VideoStream]) -> Iterator[VideoFrame | None]:
    """Yields what a packet decodes to; None stands for a frame that is damaged."""
    try:
        frames = stream.codec_context.decode(packet)
    except av.error.EOFError:
        return
    except av.FFmpegError:
        yield None
        return
    for frame in frames:
        yield None if frame.is_corrupt else frame


def picture_of(
    frame: VideoFrame, stream: VideoStream, pictures: PictureMaker
) -> Image | Planes | None:
    """Returns the frame's picture; None when this one cannot be converted.

    Raises:
        UnsupportedColours: no frame of this kind can be converted.
    """
    try:
        return pictures.picture(frame, aspect=stream.codec_context.sample_aspect_ratio)
    except UnsupportedColours:
        raise
    except (av.FFmpegError, ValueError):
        # ValueError is how PyAV refuses sizes and formats of a damaged header.
        return None


def time_base(stream: VideoStream) -> Fraction:
    """Returns seconds per tick of the stream's timestamps."""
    return stream.time_base or Fraction(1, 90_000)


def nominal_rate(stream: VideoStream) -> Fraction | None:
    """Returns the declared mean rate, frames per second; None when unknown."""
    return stream.average_rate or stream.guessed_rate or None


def start_time_s(container: InputContainer) -> float:
    """Returns the time on the container's clock that counts as its beginning, seconds.

    0 where the format has a timeline; the earliest timestamp where clocks start anywhere.
    """
    starts_anywhere = bool(container.format.flags & CLOCKS_START_ANYWHERE)
    if not starts_anywhere or container.start_time is None:
        return 0.0
    return container.start_time / CONTAINER_TICKS_PER_S


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Returns the declared length of the pictures, or else of the file; None when unknown."""
    if stream.duration is not None:
        return float(stream.duration * time_base(stream))
    if container.duration is not None:
        return container.duration / CONTAINER_TICKS_PER_S
    return None


def frame_count(container: InputContainer, stream: VideoStream) -> int | None:
    """Returns the declared number of frames, or what length and rate make of it; None: unknown."""
    if stream.frames > 0:
        return stream.frames
    length_s, rate = duration_s(container, stream), nominal_rate(stream)
    if length_s is None or rate is None:
        return None
    return round(length_s * float(rate)) or None
