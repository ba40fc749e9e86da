"""What a container says of its pictures: clock, rate, length, number of frames.

Reads headers only. Called by the video file and the stream source.
"""

from __future__ import annotations

from fractions import Fraction

from av.container import InputContainer
from av.video.stream import VideoStream

# FFmpeg's unit of a container's own times.
CONTAINER_TICKS_PER_S = 1_000_000
# FFmpeg's AVFMT_TS_DISCONT, set for MPEG-TS and MPEG-PS.
CLOCKS_START_ANYWHERE = 0x0200
# Formats of which FFmpeg knows the size of something else than the video.
WITHOUT_SIZE = frozenset({"dash", "hls", "mpjpeg", "rtsp", "sdp"})
# A higher rate is a clock's frequency, unless the container counts as many frames.
MAX_FPS = 300
# Counts and rates of frames that differ by less say the same.
SAME_RATE = 0.1


def time_base(stream: VideoStream) -> Fraction:
    """Returns seconds per tick of the stream's timestamps."""
    return stream.time_base or Fraction(1, 90_000)


def nominal_rate(stream: VideoStream) -> Fraction | None:
    """Returns the declared mean rate, frames per second; None when unknown.

    Raw DV and some recorders declare the frequency of a clock, such as 60000, instead.
    """
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and (0 < rate <= MAX_FPS or _is_counted(stream, rate)):
            return rate
    return None


def _is_counted(stream: VideoStream, rate: Fraction) -> bool:
    """Returns True if the container's number of frames agrees with a rate."""
    if not stream.frames or not stream.duration:
        return False
    expected = float(stream.duration * time_base(stream) * rate)
    return abs(stream.frames - expected) <= SAME_RATE * expected


def start_time_s(container: InputContainer, stream: VideoStream) -> float:
    """Returns the time on the container's clock that counts as its beginning, seconds.

    0 where the format has a timeline, or the first picture's time if that is negative; the earliest
    timestamp where clocks start anywhere.
    """
    starts_anywhere = bool(container.format.flags & CLOCKS_START_ANYWHERE)
    if starts_anywhere and container.start_time is not None:
        return container.start_time / CONTAINER_TICKS_PER_S
    return min(0.0, _first_picture_s(stream))


def duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Returns the declared length of the pictures, or else of the file; None when unknown."""
    if stream.duration is not None:
        return float(stream.duration * time_base(stream))
    if container.duration is None:
        return None
    length_s = container.duration / CONTAINER_TICKS_PER_S
    if container.format.flags & CLOCKS_START_ANYWHERE:
        return length_s
    # Matroska and Flash count it from 0, wherever the pictures begin.
    rest_s = length_s - _first_picture_s(stream)
    return rest_s if rest_s > 0 else length_s


def declares_length(container: InputContainer, stream: VideoStream) -> bool:
    """Returns True if a source on a network is a file: it says how long or how large it is."""
    if duration_s(container, stream):
        return True
    # The size of a playlist says nothing, nor does that of pictures a camera pushes.
    is_file = container.format.name not in WITHOUT_SIZE
    # What is not known is negative, or, since PyAV 19, None.
    return is_file and (container.size or 0) > 0


def _first_picture_s(stream: VideoStream) -> float:
    return 0.0 if stream.start_time is None else float(stream.start_time * time_base(stream))


def frame_count(container: InputContainer, stream: VideoStream) -> int | None:
    """Returns the declared number of frames, or what length and rate make of it; None: unknown."""
    if stream.frames > 0:
        return stream.frames
    length_s, rate = duration_s(container, stream), nominal_rate(stream)
    if length_s is None or rate is None:
        return None
    return round(length_s * float(rate)) or None
