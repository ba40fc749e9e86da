"""Which picture stream of a file is its video: the one that players play.

Passes over covers and thumbnails, also those that are not marked as such. Decodes nothing. Called
by the video file and the stream source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

# With two, a damaged file gave other pixels from run to run, and intact 640x360 was no faster
# (0.53 ms a frame against 0.56; 1920x1080 2.9 ms against 1.9).
DECODER_THREADS = 1
# Packets that are looked at to tell moving pictures from stills: some seconds of a file.
PACKETS_LOOKED_AT = 500


def picture_stream(
    container: InputContainer, *, reopened: Callable[[], InputContainer]
) -> VideoStream:
    """Returns the stream of moving pictures to play, set up to decode with DECODER_THREADS.

    Of several the one that FFmpeg would play, unless it is a single still picture.

    Args:
        container: the open file.
        reopened: opens it once more, to look at its packets where that is needed.

    Raises:
        ValueError: there is none (a cover picture is none), or no decoder for it; the text says.
    """
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        kinds = sorted({str(stream.type) for stream in container.streams})
        raise ValueError(f"no video in it, only {' and '.join(kinds) or 'an empty index'}")
    decodable = [stream for stream in moving if _has_decoder(stream)]
    if not decodable:
        raise ValueError("its video is coded in a way that this PyAV has no decoder for")
    candidates = decodable
    if len(decodable) > 1:
        candidates = _without_stills(decodable, reopened) or decodable
    best = container.streams.best("video")
    stream = next((one for one in candidates if best is not None and one.index == best.index), None)
    if stream is None:
        stream = max(candidates, key=lambda one: one.codec_context.width or 0)
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = DECODER_THREADS
    return stream


def left_out_note(container: InputContainer, stream: VideoStream) -> str | None:
    """Returns which other picture streams are not judged; None if there is none but covers."""
    others = [
        one
        for one in container.streams.video
        if one.index != stream.index and not one.disposition & Disposition.attached_pic
    ]
    if not others:
        return None
    names = ", ".join(_described(one) for one in others)
    return f"of several picture streams {_described(stream)} is judged; left out: {names}"


def _has_decoder(stream: VideoStream) -> bool:
    # PyAV leaves the context out where its FFmpeg has no decoder, which its types do not say.
    return getattr(stream, "codec_context", None) is not None


def _described(stream: VideoStream) -> str:
    context = stream.codec_context
    if not _has_decoder(stream):
        return f"stream {stream.index} (no decoder)"
    return (
        f"stream {stream.index} ({context.codec.canonical_name}, {context.width}x{context.height})"
    )


def _without_stills(
    streams: list[VideoStream], reopened: Callable[[], InputContainer]
) -> list[VideoStream]:
    """Returns the streams with more than one picture."""
    counts = Counter({one.index: one.frames for one in streams if one.frames > 0})
    if len(counts) < len(streams):
        with reopened() as container:
            counts += _packets(container, {one.index for one in streams})
    return [one for one in streams if counts[one.index] > 1]


def _packets(container: InputContainer, wanted: set[int]) -> Counter[int]:
    """Returns how many packets of each stream are among the first, at least two of each or all."""
    found: Counter[int] = Counter()
    seen = 0
    try:
        for packet in container.demux([container.streams[index] for index in sorted(wanted)]):
            if packet.dts is None and packet.pts is None:
                continue  # the empty packet that flushes a decoder at the end
            found[packet.stream_index] += 1
            seen += 1
            if seen >= PACKETS_LOOKED_AT or all(found[index] > 1 for index in wanted):
                break
    except av.FFmpegError:
        pass  # the run meets the same damage, and counts it
    return found
