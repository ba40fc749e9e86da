"""Transcodes sound that an mp4 cannot hold to AAC, in step with the clock of its packets.

Takes sound of any form, and changes of it in the middle; gaps become silence. Called by
`_video_audio.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

# Rates that AAC has a code for (ISO/IEC 14496-3, table 1.18).
AAC_RATES_HZ = (
    *(7350, 8000, 11025, 12000, 16000, 22050, 24000),
    *(32000, 44100, 48000, 64000, 88200, 96000),
)
# 64 kbit/s per channel from 32 kHz up, proportionally less below.
AAC_BITS_PER_SAMPLE = 2
AAC_MAX_CHANNEL_RATE = 64_000
# Timestamps may be rounded, as Matroska's to milliseconds, and are counted from bytes in AVI. What
# is off by more is put where it belongs: pictures and sound are seen apart from about 40 ms on.
MAX_OFF_S = 0.03
# Silence is written in frames of this length.
SILENCE_SAMPLES = 48_000

Samples = npt.NDArray[np.float32]


class Transcoder:
    """Decodes packets and encodes AAC: mono stays mono, anything else becomes stereo.

    The output has the form of the first frame that can be decoded.
    """

    def __init__(self, audio: AudioStream) -> None:
        """Takes the source's stream; `read_format` and `start` come before the first `carry`."""
        self._source = audio
        self._unreadable = 0
        self._early: list[AudioFrame] = []
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None
        self._next = 0  # position of the next sample in the output
        self._is_placed = False
        self._last_s = 0.0

    @property
    def note(self) -> str:
        """`transcoded pcm_s16le to aac`, with what was unreadable."""
        return f"transcoded {self._source.codec_context.codec.canonical_name} to aac"

    @property
    def loss(self) -> str | None:
        """How many packets could not be decoded; None if all could."""
        return f"{self._unreadable} packets unreadable" if self._unreadable else None

    def read_format(self, packet: Packet[Any]) -> bool:
        """Returns True once a packet could be decoded, whose form the output takes."""
        self._early += self._decoded(packet)
        return bool(self._early)

    def start(self, output: OutputContainer) -> None:
        """Adds the stream to the output."""
        first = self._early[0]
        self._rate_hz = _aac_rate(first.sample_rate)
        channels = min(2, max(1, first.layout.nb_channels))
        self._layout = "mono" if channels == 1 else "stereo"
        self._stream = output.add_stream("aac", rate=self._rate_hz)
        self._stream.codec_context.layout = self._layout
        per_channel = min(AAC_BITS_PER_SAMPLE * self._rate_hz, AAC_MAX_CHANNEL_RATE)
        self._stream.bit_rate = channels * per_channel

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        """Yields the packets for the output that this one completes."""
        early, self._early = self._early, []
        for frame in [*early, *self._decoded(packet)]:
            yield from self._carried(frame)

    def flush(self) -> Iterator[Packet[Any]]:
        """Yields the remaining packets."""
        early, self._early = self._early, []
        for frame in [*early, *self._decoded(None)]:
            yield from self._carried(frame)
        yield from self._encoded(self._resampled(None))
        yield from self._labelled(None)

    def _decoded(self, packet: Packet[Any] | None) -> list[AudioFrame]:
        try:
            return [frame for frame in self._source.decode(packet) if frame.samples]
        except av.error.EOFError:
            return []
        except (av.FFmpegError, ValueError):
            self._unreadable += 1
            return []

    def _carried(self, frame: AudioFrame) -> Iterator[Packet[Any]]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            yield from self._encoded(self._resampled(None))
            self._form = form
            self._resampler = AudioResampler("fltp", self._layout, self._rate_hz)
        try:
            samples = self._resampled(frame)
        except (av.FFmpegError, ValueError):
            self._unreadable += 1
            return
        if frame.pts is not None and frame.time_base is not None:
            at = round(float(frame.pts * frame.time_base) * self._rate_hz)
            if not self._is_placed:
                self._is_placed, self._next = True, at
            off = at - self._next
            if off > MAX_OFF_S * self._rate_hz:
                yield from self._silence(off)
            elif off < -MAX_OFF_S * self._rate_hz:
                samples = samples[:, -off:]
        yield from self._encoded(samples)

    def _resampled(self, frame: AudioFrame | None) -> Samples:
        """Returns a frame in the form of the output, or what the resampler holds back."""
        channels = 1 if self._layout == "mono" else 2
        if self._resampler is None:
            return np.zeros((channels, 0), np.float32)
        parts = [one.to_ndarray() for one in self._resampler.resample(frame)]
        return np.concatenate([np.zeros((channels, 0), np.float32), *parts], axis=1)

    def _silence(self, count: int) -> Iterator[Packet[Any]]:
        channels = 1 if self._layout == "mono" else 2
        while count > 0:
            part = min(count, SILENCE_SAMPLES)
            yield from self._encoded(np.zeros((channels, part), np.float32))
            count -= part

    def _encoded(self, samples: Samples) -> Iterator[Packet[Any]]:
        at, self._next = self._next, self._next + samples.shape[1]
        samples = samples[:, max(0, -at) :]  # what sounds before the first picture
        if not samples.shape[1]:
            return
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=self._layout
        )
        frame.sample_rate = self._rate_hz
        frame.pts, frame.time_base = max(0, at), Fraction(1, self._rate_hz)
        yield from self._labelled(frame)

    def _labelled(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        for packet in self._stream.encode(frame):
            packet.stream = self._stream
            yield packet


def _aac_rate(rate_hz: int) -> int:
    """Returns the lowest AAC rate that is not below the source's."""
    return next((rate for rate in AAC_RATES_HZ if rate >= rate_hz), AAC_RATES_HZ[-1])
