"""The sound of an annotated video: the source's packets copied, or transcoded to AAC.

Chooses by codec and reports what it did. Sound that cannot be read or kept is left out and counted:
it never ends a run. Packets come with the timestamps of the output.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet

from rtau.sinks._video_transcoder import Transcoder

# Codecs that mp4 supports; others (PCM, AMR, Vorbis, ...) are transcoded to AAC.
COPIED_CODECS = frozenset({"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"})
# mp4 has no code for the lower rates, of MPEG-2.5, and FFmpeg refuses such an mp3.
MIN_MP3_RATE_HZ = 16_000


class AudioCarrier(Protocol):
    """Converts packets of sound for the output."""

    @property
    def note(self) -> str:
        """What was done with the sound, for the run record: `copied aac`."""
        ...

    @property
    def loss(self) -> str | None:
        """What of it was lost; None if nothing was."""
        ...

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        """Yields the packets for the output that this one completes."""
        ...

    def flush(self) -> Iterator[Packet[Any]]:
        """Yields the remaining packets."""
        ...


def carrier_for(
    audio: AudioStream, packets: Iterator[Packet[Any]], *, output: OutputContainer
) -> AudioCarrier | None:
    """Adds a stream to `output` and returns the carrier for the codec; None if nothing is readable.

    An empty stream must not be added to the output: the muxer would wait for its packets.

    Args:
        audio: the source's stream.
        packets: its packets, on the output's clock; those that are taken reach the output through
            the carrier.
        output: the container being written, not yet started.
    """
    first = next(packets, None)
    if first is None:
        return None
    name = audio.codec_context.codec.canonical_name
    if name == "aac" and audio.codec_context.extradata is None:
        config = _config_from_adts(bytes(first))
        if config is not None:
            return _AdtsCopier(audio, first, output=output, config=config)
    elif _mp4_holds(audio):
        return _Copier(audio, first, output=output)
    transcoder = Transcoder(audio)
    is_readable = transcoder.read_format(first) or any(
        transcoder.read_format(packet) for packet in packets
    )
    if not is_readable:
        return None
    transcoder.start(output)
    return transcoder


class _Copier:
    """Copies packets."""

    def __init__(self, audio: AudioStream, first: Packet[Any], *, output: OutputContainer) -> None:
        self._stream = output.add_stream_from_template(audio)
        self._taken: Packet[Any] | None = first
        self.note = f"copied {audio.codec_context.codec.canonical_name}"

    @property
    def loss(self) -> str | None:
        return None

    def carry(self, packet: Packet[Any], /) -> Iterator[Packet[Any]]:
        taken, self._taken = self._taken, None
        if taken is not None:
            yield from self._copied(taken)
        yield from self._copied(packet)

    def flush(self) -> Iterator[Packet[Any]]:
        taken, self._taken = self._taken, None
        if taken is not None:
            yield from self._copied(taken)

    def _copied(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        packet.stream = self._stream
        yield packet


class _AdtsCopier(_Copier):
    """Copies AAC from transport streams without the ADTS headers, which mp4 stores elsewhere.

    mp4 has one header for all: from where the stream has another one, its sound is left out.
    """

    def __init__(
        self, audio: AudioStream, first: Packet[Any], *, output: OutputContainer, config: bytes
    ) -> None:
        super().__init__(audio, first, output=output)
        self._stream.codec_context.extradata = config
        self._config = config
        self._strip = BitStreamFilterContext("aac_adtstoasc", audio)
        self._unreadable = 0
        self._changed_s: float | None = None

    @property
    def loss(self) -> str | None:
        lost = [f"{self._unreadable} packets unreadable"] if self._unreadable else []
        if self._changed_s is not None:
            lost.append(f"left out from {max(0.0, self._changed_s):.2f} s on, where it changes")
        return ", ".join(lost) or None

    def _copied(self, packet: Packet[Any]) -> Iterator[Packet[Any]]:
        if self._changed_s is not None:
            return
        config = _config_from_adts(bytes(packet))
        if config is not None and config != self._config:
            self._changed_s = float((packet.pts or 0) * packet.time_base)
            return
        try:
            bare = self._strip.filter(packet) if config is not None else []
        except av.FFmpegError:
            bare = []
        self._unreadable += not bare
        for one in bare:
            yield from super()._copied(one)


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
