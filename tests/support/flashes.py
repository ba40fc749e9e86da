"""Clips whose picture flashes and whose sound beeps at the same moments, and what became of both.

Used by the tests that pictures and sound stay together, whatever the container.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rtau.sinks.video_file import VideoFileSink
from rtau.sources import open_source
from tests.support.results import make_result

FPS = 25
RATE_HZ = 48_000
# From second 1 on, both last for the first fifth of each second.
SHARE = 5


def write_flashing(
    path: Path,
    *,
    seconds: int = 3,
    shift_s: float = 0.0,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    audio: str | None = "aac",
    rate_hz: int = RATE_HZ,
    layout: str = "stereo",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    gap_s: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """Returns `path` after writing a flashing clip; sound in `gap_s` (from, to) is left out."""
    with av.open(str(path), "w", container_options=container or {}) as file:
        video = file.add_stream(codec, rate=FPS, options=options or {})
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        sound = file.add_stream(audio, rate=rate_hz) if audio else None
        packets = []
        for k in range(seconds * FPS):
            level = 235 if k >= FPS and k % FPS < FPS // SHARE else 16
            picture = np.full((size[1], size[0], 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = k, Fraction(1, FPS)
            packets += video.encode(frame)
        packets += video.encode()
        if sound is not None:
            sound.layout = layout
            for frame in _beeps(seconds, rate_hz, layout):
                packets += sound.encode(frame)
            packets += sound.encode()
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            time_s = float(packet.dts * packet.time_base)
            if packet.stream.type == "audio" and gap_s[0] <= time_s < gap_s[1]:
                continue
            ticks = round(Fraction(shift_s).limit_denominator(1000) / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            file.mux(packet)
    return path


def _beeps(seconds: int, rate_hz: int, layout: str):
    t = np.arange(seconds * rate_hz) / rate_hz
    wave = np.sin(2 * np.pi * 1000 * t) * (t >= 1) * (t % 1 < 1 / SHARE) * 16_000
    channels = {"mono": 1, "stereo": 2}[layout]
    for at in range(0, len(wave), 1152):
        samples = np.repeat(wave[at : at + 1152, None].astype(np.int16), channels, 1)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, at, Fraction(1, rate_hz)
        yield frame


def annotated(source: Path | str, out: Path, **options):
    """Returns the source and the closed sink after every frame went through both."""
    with open_source(str(source)) as frames:
        info = frames.info
        sink = VideoFileSink(
            out,
            width=info.width,
            height=info.height,
            nominal_fps=info.nominal_fps,
            original=frames.report().origin,
            **options,
        )
        for frame in frames:
            image = frame.image_bgr
            sink.write(make_result(frame.index, time_s=frame.time_s, image_bgr=image), image)
        sink.close()
    return frames, sink


def onsets(path: Path) -> tuple[list[float], list[float]]:
    """Returns when pictures flash and when sound beeps in an mp4, seconds."""
    with av.open(str(path)) as file:
        levels = [(f.time, f.to_ndarray(format="gray").mean() > 128) for f in file.decode(video=0)]
    flashes = _rises(levels)
    loud = []
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0) if file.streams.audio else ():
            wave = np.abs(frame.to_ndarray().astype(float))
            wave = wave.max(axis=0) / (1.0 if frame.format.name.startswith("flt") else 32768)
            loud += [
                (frame.time + at / frame.sample_rate, wave[at : at + 240].max() > 0.15)
                for at in range(0, len(wave), 240)
            ]
    return flashes, _rises(loud)


def _rises(levels) -> list[float]:
    found, was_on, since_s = [], False, -1.0
    for time_s, is_on in levels:
        if is_on and not was_on and time_s - since_s > 0.5:
            found.append(time_s)
            since_s = time_s
        was_on = is_on
    return found


def assert_in_step(path: Path, *, count: int, most_s: float = 0.04) -> list[float]:
    """Returns when the picture flashes; fails unless each flash has its beep."""
    flashes, beeps = onsets(path)
    assert len(flashes) == count, (flashes, beeps)
    assert np.allclose(beeps, flashes, atol=most_s), (flashes, beeps)
    return flashes
