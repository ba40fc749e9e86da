"""Reads from the source file what an annotated video keeps of it: sound and frame durations.

Packets are read only up to the time of the last picture, so memory use is constant. Whatever is
wrong with the sound costs the sound, never the run.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from rtau.media import open_media
from rtau.protocols import MediaOrigin
from rtau.sinks._video_audio import AudioCarrier, carrier_for
from rtau.sinks._video_clock import JoinedClock

# Durations of older frames are dropped; that of the frame just written is always newer.
REMEMBER_S = 2.0
# Frames whose times differ by less are the same frame, with rounding.
TICKS_PER_S = 10_000
NEVER = -(1 << 62)
# After this many failed reads a file counts as ended.
MOST_BROKEN_READS = 100
# So many packets of sound wait for the picture that tells their place after a jump of the clock.
MOST_WAITING = 1000
# So many packets of sound that cannot be decoded, and none of it can.
MOST_UNREADABLE = 1000


class OriginalFile:
    """The source file's packets, read along with the pictures of a run."""

    def __init__(
        self,
        origin: MediaOrigin,
        *,
        output: OutputContainer,
        nominal_fps: Fraction | None = None,
        keeps_sound: bool = True,
    ) -> None:
        """Opens the source file and, if it has sound, adds an audio stream to `output`.

        Args:
            origin: the source file, and its time that is 0 in the output. All other times here are
                on the output's clock.
            output: the container being written.
            nominal_fps: of the pictures.
            keeps_sound: False leaves the sound out.
        """
        self._clock = JoinedClock(start_time_s=origin.start_time_s, nominal_fps=nominal_fps)
        self._stack = contextlib.ExitStack()
        self._durations_s: dict[int, float] = {}
        self._newest = NEVER
        self._since = NEVER
        self._waiting: deque[tuple[Packet[Any], int]] = deque()
        self._broken_reads = 0
        self._last_dts: int | None = None
        self._left_out = 0
        self._refused = 0
        self._has_sound_packets = False
        self._loss: str | None = None
        self._carrier: AudioCarrier | None = None
        self._audio: AudioStream | None = None
        self._packets: Iterator[Packet[Any]] = iter(())
        self._ended = True
        try:
            self._container = self._open(origin)
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            self._loss = f"cannot be read ({reason})"
            return
        self._ended = False
        self._video = self._container.streams[origin.picture_stream]
        # AVI stores no presentation times; FFmpeg guesses some.
        self._has_pts = self._container.format.name != "avi"
        if keeps_sound:
            self._audio = cast(
                AudioStream | None, self._container.streams.best("audio", related=self._video)
            )
        self._packets = self._demux()
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self.close)
            self._carrier = self._open_carrier(output)
            on_failure.pop_all()

    @property
    def audio(self) -> str:
        """What was done with the sound: `copied aac`, `transcoded pcm_s16le to aac`, `none`."""
        if self._carrier is None:
            return "none"
        lost = f", {self._losses()}" if self._losses() else ""
        return self._carrier.note + lost

    @property
    def note(self) -> str | None:
        """What of the sound was lost, as a sentence; None if nothing was."""
        return f"sound: {self._losses()}" if self._losses() else None

    @property
    def has_sound(self) -> bool:
        """True if the output got a stream of sound."""
        return self._carrier is not None

    def refuse(self) -> None:
        """Counts a packet of sound that the mp4 did not take."""
        self._refused += 1

    def audio_until(self, end_s: float) -> Iterator[Packet[Any]]:
        """Yields the next packets for the output, up to those that begin at `end_s`."""
        self._forget_before(end_s - REMEMBER_S)
        if self._carrier is None:
            return
        while (packet := self._next_sound(end_s)) is not None:
            yield from self._in_order(self._carrier.carry(packet))

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

    def _open(self, origin: MediaOrigin) -> InputContainer:
        container = open_media(origin.address, options=origin.options, timeouts_s=origin.timeouts_s)
        self._stack.callback(container.close)
        return container

    def _losses(self) -> str:
        """Returns what of the sound was lost, comma-separated; empty if nothing was."""
        lost = [self._loss, None if self._carrier is None else self._carrier.loss]
        if self._left_out:
            lost.append(f"{self._left_out} packets out of order left out")
        if self._refused:
            lost.append(f"{self._refused} packets that mp4 cannot hold left out")
        return ", ".join(one for one in lost if one)

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
        """Returns the carrier for the sound; None if the stream is missing, empty or unreadable."""
        if self._audio is None:
            return None
        # PyAV leaves the context out where its FFmpeg has no decoder, which its types do not say.
        if getattr(self._audio, "codec_context", None) is None:
            self._loss = "coded in a way that this PyAV has no decoder for, left out"
            return None
        sound = iter(lambda: self._next_sound(None), None)
        carrier = carrier_for(self._audio, itertools.islice(sound, MOST_UNREADABLE), output=output)
        if carrier is None and self._has_sound_packets:
            self._loss = "cannot be decoded, left out"
        return carrier

    def _next_sound(self, end_s: float | None) -> Packet[Any] | None:
        """Returns the next packet of sound, on the output's clock.

        None at the end, and if it begins at `end_s` or later.
        """
        while not self._ended and not self._is_ready():
            self._read_packet()
        if not self._waiting:
            return None
        packet, part = self._waiting[0]
        shift_s = self._clock.shift_s(part)
        assert packet.pts is not None  # _read_packet fills it in
        begin_s = float(packet.pts * packet.time_base) + shift_s
        if end_s is not None and begin_s >= end_s:
            return None
        self._waiting.popleft()
        return _shifted(packet, by_s=shift_s)

    def _is_ready(self) -> bool:
        """Returns True if the next packet of sound is there, and its place in time is known."""
        if not self._waiting:
            return False
        return self._clock.knows(self._waiting[0][1]) or len(self._waiting) >= MOST_WAITING

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
        except av.FFmpegError as error:
            # The source reports the damage; the sound continues after it.
            self._broken_reads += 1
            if not isinstance(error, av.error.InvalidDataError):
                self._broken_reads = MOST_BROKEN_READS + 1
                self._loss = f"cannot be read on ({error.strerror})"
            self._ended = self._broken_reads > MOST_BROKEN_READS
            self._packets = self._demux()
            return
        if packet.dts is None and packet.pts is None:
            return  # the empty packet that flushes a decoder at the end
        is_sound = self._audio is not None and packet.stream_index == self._audio.index
        if packet.pts is None or not (is_sound or self._has_pts):
            packet.pts = packet.dts
        if packet.pts is None:
            return
        time_s = float(packet.pts * packet.time_base)
        if is_sound:
            self._has_sound_packets = True
            self._waiting.append((packet, self._clock.sound_part(time_s)))
        else:
            self._note_duration(packet, self._clock.picture_s(time_s))

    def _note_duration(self, packet: Packet[Any], time_s: float) -> None:
        tick = _tick(time_s)
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


def _shifted(packet: Packet[Any], *, by_s: float) -> Packet[Any]:
    ticks = round(by_s / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks
    return packet


def _tick(time_s: float) -> int:
    return round(time_s * TICKS_PER_S)
