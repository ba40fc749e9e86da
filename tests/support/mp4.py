"""Runs pictures and clips through the mp4 sink and reads back what came out of it."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import av
import numpy as np

from rtau.media import LOCAL_OPTIONS, file_address
from rtau.protocols import MediaOrigin
from rtau.sinks.video_file import VideoFileSink
from tests.support import media
from tests.support.results import make_result


def origin_of(path, *, start_time_s=0.0):
    """Returns where a clip's pictures come from, as its source reports it."""
    return MediaOrigin(
        file_address(path), start_time_s, picture_stream=0, options=LOCAL_OPTIONS, path=path
    )


def open_sink(
    path, *, width=64, height=48, nominal_fps=Fraction(25), audio_from=None, zero_s=0.0, **options
):
    """Returns an open sink; `zero_s` is the time in `audio_from` that is 0 in the output."""
    return VideoFileSink(
        path,
        width=width,
        height=height,
        nominal_fps=nominal_fps,
        original=None if audio_from is None else origin_of(audio_from, start_time_s=zero_s),
        **options,
    )


def write_numbered(sink, times_s, *, width=64, height=48):
    for index, time_s in enumerate(times_s):
        image = media.numbered(index, width=width, height=height)
        sink.write(make_result(index, time_s=time_s, image_bgr=image), image)


def copy_clip(source, target, *, frames=None, **options):
    """Returns the closed sink after every picture of a clip went through it."""
    with av.open(str(source)) as clip:
        video = clip.streams.video[0]
        sink = open_sink(target, nominal_fps=video.average_rate, audio_from=source, **options)
        for index, frame in enumerate(clip.decode(video)):
            if index == frames:
                break
            image = frame.to_ndarray(format="bgr24")
            sink.write(make_result(index, time_s=frame.time, image_bgr=image), image)
    sink.close()
    return sink


def decoded(path, *, tolerant=False):
    """Returns times and pictures of a file; `tolerant` skips a torn last packet, as players do."""
    frames = []
    torn = (av.error.InvalidDataError,) if tolerant else ()
    with contextlib.suppress(*torn), av.open(str(path)) as file:
        for frame in file.decode(video=0):
            frames.append((frame.time, frame.to_ndarray(format="bgr24")))  # noqa: PERF401 - kept when torn
    return [time_s for time_s, _ in frames], [image for _, image in frames]


def sound_packets(path):
    """Returns (time, bytes) of every packet of sound."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(audio=0) if p.dts is not None]
        return [(float(p.pts * p.time_base), bytes(p)) for p in packets]


def sound_wave(path):
    """Returns the time of the first sample and the samples of the first channel."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
        return frames[0].time, np.concatenate([f.to_ndarray()[0] for f in frames])


def end_s(path, kind="video"):
    """Returns when the last packet of a kind ends: start plus duration."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(**{kind: 0}) if p.dts is not None]
        return max(float((p.pts + p.duration) * p.time_base) for p in packets)


def boxes(path):
    """Returns the kinds of the top-level boxes in their order."""
    kinds, start, raw = [], 0, path.read_bytes()
    while start + 8 <= len(raw):
        size = int.from_bytes(raw[start : start + 4], "big")
        kinds.append(raw[start + 4 : start + 8].decode())
        start += size
    return kinds


def noisy(index):
    return np.random.default_rng(index).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def write_noise(sink, *, frames=5000):
    for index in range(frames):
        sink.write(make_result(index, image_bgr=noisy(index)), noisy(index))
