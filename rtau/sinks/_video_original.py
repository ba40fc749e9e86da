"""Reads from the source file what an annotated video keeps of it: sound and frame durations.

Packets are read only up to the time of the last picture, so memory use is constant.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from rtau.errors import SinkError
from rtau.sinks._video_audio import AudioCarrier, carrier_for

# Durations of older frames are dropped; that of the frame just written is always newer.
REMEMBER_S = 2.0
# Frames whose times differ by less are the same frame, with rounding.
TICKS_PER_S = 10_000
NEVER = -(1 << 62)
# After this many failed reads a file counts as ended.
MOST_BROKEN_READS = 100


class OriginalFile:
    """The source file's packets, read along with the pictures of a run."""

    def __init__(self, path: Path, *, output: OutputContainer, time_zero_s: float) -> None:
        """Opens the source file and, if it has sound, adds an audio stream to `output`.

        Args:
            path: the source file.
            output: the container being written.
            time_zero_s: time on the source's clock that is 0 in the output. All other times here
                are on the output's clock.

        Raises:
            SinkError: the file cannot be read.
        """
        self._path = path
        self._zero_s = time_zero_s
        self._stack = contextlib.ExitStack()
        self._container = self._open(path)
        self._video = self._container.streams.best("video")
        self._audio = cast(AudioStream | None, self._container.streams.best("audio"))
        self._durations_s: dict[int, float] = {}
        self._newest = NEVER
        self._since = NEVER
        self._waiting: deque[Packet[Any]] = deque()
        self._ended = False
        self._broken_reads = 0
        self._last_dts: int | None = None
        self._left_out = 0
        self._packets = self._demux()
        try:
            self._carrier = self._open_carrier(output)
        except BaseException:
            self.close()
            raise

    @property
    def audio(self) -> str:
        """What was done with the sound: `copied aac`, `transcoded pcm_s16le to aac`, `none`."""
        if self._carrier is None:
            return "none"
        lost = f", {self._left_out} packets out of order left out" if self._left_out else ""
        return self._carrier.note + lost

    def audio_until(self, end_s: float) -> Iterator[Packet[Any]]:
        """Yields the next packets for the output, up to those that begin at `end_s`."""
        self._forget_before(end_s - REMEMBER_S)
        if self._carrier is None:
            return
        while True:
            while not self._waiting and not self._ended:
                self._read_packet()
            if not self._waiting or self._time_s(self._waiting[0]) >= end_s:
                return
            yield from self._in_order(self._carrier.carry(self._waiting.popleft()))

    def audio_rest(self) -> Iterator[Packet[Any]]:
        """Yields the audio encoder's remaining packets, after the last call of `audio_until`."""
        if self._carrier is not None:
            yield from self._in_order(self._carrier.flush())

    def duration_s(self, time_s: float) -> float | None:
        """Returns the duration of the frame at a time, seconds; None if the file has none."""
        self._read_past(time_s)
        tick = _tick(time_s)
        near = (self._durations_s.get(near) for near in (tick, tick - 1, tick + 1))
        return next((duration for duration in near if duration), None)

    def ends_with(self, time_s: float) -> bool:
        """Returns True if the file has no picture after that time: the run covers its end."""
        self._read_past(time_s)
        return self._newest <= _tick(time_s) + 1

    def close(self) -> None:
        """Closes the source file; may be called twice."""
        self._stack.close()

    def _open(self, path: Path) -> InputContainer:
        try:
            container = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise SinkError(
                f"{path}: its sound cannot be read ({error.strerror or error}); run without it"
            ) from error
        self._stack.callback(container.close)
        return container

    def _demux(self) -> Iterator[Packet[Any]]:
        return self._container.demux([s for s in (self._video, self._audio) if s])

    def _in_order(self, packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
        """Yields packets with increasing timestamps: joined recordings may jump back."""
        for packet in packets:
            dts = packet.dts if packet.dts is not None else packet.pts
            if dts is None or (self._last_dts is not None and dts <= self._last_dts):
                self._left_out += 1
                continue
            self._last_dts = dts
            yield packet

    def _open_carrier(self, output: OutputContainer) -> AudioCarrier | None:
        """Returns the carrier for the sound; None if the stream is missing or empty.

        An empty stream must not be added to the output: the muxer would wait for its packets.
        """
        if self._audio is None or self._audio.codec_context is None:  # no decoder knows it
            return None
        while not self._waiting and not self._ended:
            self._read_packet()
        if not self._waiting:
            return None
        return carrier_for(
            self._audio, first=self._waiting[0], output=output, time_zero_s=self._zero_s
        )

    def _read_past(self, time_s: float) -> None:
        self._forget_before(time_s - REMEMBER_S)
        while not self._ended and self._newest <= _tick(time_s) + 1:
            self._read_packet()

    def _read_packet(self) -> None:
        """Reads one packet: audio is queued, of video time and duration are kept."""
        try:
            packet = next(self._packets)
        except StopIteration:
            self._ended = True
            return
        except av.FFmpegError:
            # The source reports the damage; the sound continues after it.
            self._broken_reads += 1
            self._ended = self._broken_reads > MOST_BROKEN_READS
            self._packets = self._demux()
            return
        if packet.dts is None and packet.pts is None:
            return  # the empty packet that flushes a decoder at the end
        if packet.pts is None:
            packet.pts = packet.dts
        if self._audio is not None and packet.stream_index == self._audio.index:
            self._waiting.append(packet)
        else:
            self._note_duration(packet)

    def _note_duration(self, packet: Packet[Any]) -> None:
        tick = _tick(self._time_s(packet))
        self._newest = max(self._newest, tick)
        if tick >= self._since:
            self._durations_s[tick] = float((packet.duration or 0) * packet.time_base)

    def _forget_before(self, time_s: float) -> None:
        self._since = _tick(time_s)
        while self._durations_s:
            oldest = next(iter(self._durations_s))
            if oldest >= self._since:
                return
            del self._durations_s[oldest]

    def _time_s(self, packet: Packet[Any]) -> float:
        assert packet.pts is not None  # _read_packet fills it in
        return float(packet.pts * packet.time_base) - self._zero_s


def _tick(time_s: float) -> int:
    return round(time_s * TICKS_PER_S)
