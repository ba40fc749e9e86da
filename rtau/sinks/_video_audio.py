"""The sound of an annotated video: the source's packets copied, or transcoded to AAC.

Chooses by codec, shifts timestamps to the output's clock, and reports what it did.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

# Codecs that mp4 supports; others (PCM, AMR, Vorbis, ...) are transcoded to AAC.
COPIED_CODECS = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
# mp4 has no code for the lower rates, of MPEG-2.5, and FFmpeg refuses such an mp3.
MIN_MP3_RATE_HZ = 16_000
# Rates that AAC has a code for (ISO/IEC 14496-3, table 1.18).
AAC_RATES_HZ = (
    *(7350, 8000, 11025, 12000, 16000, 22050, 24000),
    *(32000, 44100, 48000, 64000, 88200, 96000),
)
# 64 kbit/s per channel from 32 kHz up, proportionally less below.
AAC_BITS_PER_SAMPLE = 2
AAC_MAX_CHANNEL_RATE = 64_000


class AudioCarrier(Protocol):
    """Converts packets of sound for the output."""

    @property
    def note(self) -> str:
        """What was done with the sound, for the run record: `copied aac`."""
        ...

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        """Yields the packets for the output that this one completes."""
        ...

    def flush(self) -> Iterator[Packet[Any]]:
        """Yields the remaining packets."""
        ...


def carrier_for(
    audio: AudioStream, *, first: Packet[Any], output: OutputContainer, time_zero_s: float
) -> AudioCarrier:
    """Adds a stream to `output` and returns the carrier for the codec.

    Args:
        audio: the source's stream.
        first: its first packet, not consumed.
        output: the container being written, not yet started.
        time_zero_s: time on the source's clock that is 0 in the output.
    """
    name = audio.codec_context.codec.canonical_name
    if name == "aac" and audio.codec_context.extradata is None:
        config = _config_from_adts(bytes(first))
        if config is not None:
            return _AdtsCopier(audio, output=output, time_zero_s=time_zero_s, config=config)
    elif _mp4_holds(audio):
        return _Copier(audio, output=output, time_zero_s=time_zero_s)
    return _Transcoder(audio, output=output, time_zero_s=time_zero_s)


class _Copier:
    """Copies packets, with shifted timestamps."""

    def __init__(self, audio: AudioStream, *, output: OutputContainer, time_zero_s: float) -> None:
        self._stream = output.add_stream_from_template(audio)
        self._zero_s = time_zero_s
        self.note = f"copied {audio.codec_context.codec.canonical_name}"

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        yield _shifted(packet, by_s=self._zero_s, stream=self._stream)

    def flush(self) -> Iterator[Packet[Any]]:
        yield from ()


class _AdtsCopier(_Copier):
    """Copies AAC from transport streams without the ADTS headers, which mp4 stores elsewhere."""

    def __init__(
        self, audio: AudioStream, *, output: OutputContainer, time_zero_s: float, config: bytes
    ) -> None:
        super().__init__(audio, output=output, time_zero_s=time_zero_s)
        self._stream.codec_context.extradata = config
        self._strip = BitStreamFilterContext("aac_adtstoasc", audio)

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        for bare in self._strip.filter(packet):
            yield from super().carry(bare)


class _Transcoder:
    """Decodes packets and encodes AAC: mono stays mono, anything else becomes stereo."""

    def __init__(self, audio: AudioStream, *, output: OutputContainer, time_zero_s: float) -> None:
        self._source = audio
        self._zero_s = time_zero_s
        self._unreadable = 0
        rate_hz = _aac_rate(audio.codec_context.sample_rate)
        self._stream = output.add_stream("aac", rate=rate_hz)
        channels = min(2, max(1, audio.codec_context.channels))
        self._stream.codec_context.layout = "mono" if channels == 1 else "stereo"
        self._stream.bit_rate = channels * min(AAC_BITS_PER_SAMPLE * rate_hz, AAC_MAX_CHANNEL_RATE)

    @property
    def note(self) -> str:
        lost = f", {self._unreadable} packets unreadable" if self._unreadable else ""
        return f"transcoded {self._source.codec_context.codec.canonical_name} to aac{lost}"

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            self._unreadable += 1  # reported in the note: a damaged packet must not end a run
            return
        for frame in frames:
            yield from self._encoded(frame)

    def flush(self) -> Iterator[Packet[Any]]:
        try:
            frames = self._source.decode(None)
        except av.FFmpegError:
            self._unreadable += 1
            frames = []
        for frame in frames:
            yield from self._encoded(frame)
        yield from self._encoded(None)

    def _encoded(self, frame: av.AudioFrame | None) -> Iterator[Packet[Any]]:
        for packet in self._stream.encode(frame):
            yield _shifted(packet, by_s=self._zero_s, stream=self._stream)


def _config_from_adts(packet: bytes) -> bytes | None:
    """Returns the AudioSpecificConfig of an ADTS header; None without one.

    ISO/IEC 14496-3: ADTS has profile (2 bits, object type - 1), rate index (4) and channels (3)
    from bit 16 on; the config is object type (5), rate index (4), channels (4), three zeros.
    """
    header = int.from_bytes(packet[:4], "big")
    if len(packet) < 4 or header >> 20 != 0xFFF:
        return None
    profile, rate_index, channels = header >> 14 & 3, header >> 10 & 15, header >> 6 & 7
    if channels == 0:  # the layout is in the stream itself: rare, so it is transcoded
        return None
    return (profile + 1 << 11 | rate_index << 7 | channels << 3).to_bytes(2, "big")


def _mp4_holds(audio: AudioStream) -> bool:
    name = audio.codec_context.codec.canonical_name
    if name == "mp3":
        return audio.codec_context.sample_rate >= MIN_MP3_RATE_HZ
    return name in COPIED_CODECS


def _aac_rate(rate_hz: int) -> int:
    """Returns the lowest AAC rate that is not below the source's."""
    return next((rate for rate in AAC_RATES_HZ if rate >= rate_hz), AAC_RATES_HZ[-1])


def _shifted(packet: Packet[Any], *, by_s: float, stream: AudioStream) -> Packet[Any]:
    ticks = round(by_s / packet.time_base)
    if packet.pts is not None:
        packet.pts -= ticks
    if packet.dts is not None:
        packet.dts -= ticks
    packet.stream = stream
    return packet
