"""An H.264 mp4 of the annotated pictures, with the source's timestamps and sound.

Written as a fragmented mp4, which plays even after a full disk or `kill -9`, and rewritten at close
as a plain one with its index in front.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet

from rtau.data import FrameResult, Picture
from rtau.errors import SinkError, UsageError
from rtau.protocols import MediaOrigin, SinkReport
from rtau.sinks._output_path import check_output
from rtau.sinks._video_original import OriginalFile
from rtau.sinks._video_remux import make_streamable, truncate_to_whole_boxes
from rtau.sinks.video_encoder import (
    FALLBACK_FPS,
    PictureEncoder,
    available_encoders,
    believable_fps,
)

# 90 kHz, the clock of MPEG: whole ticks for 24, 25, 30, 50, 60 and 30000/1001 frames per second.
DEFAULT_TIME_BASE = Fraction(1, 90_000)
SUFFIXES = (".mp4", ".m4v")
# One fragment per second: what a killed run can lose, besides the frames inside the encoder.
FRAGMENT_US = 1_000_000
FRAGMENTED = {
    # delay_moov: the index is written after the first packets, with the start time of each stream.
    "movflags": "frag_keyframe+empty_moov+delay_moov",
    "frag_duration": str(FRAGMENT_US),
    "flush_packets": "1",
    # Pictures wait this long for missing sound, in microseconds, before they are written.
    "max_interleave_delta": str(FRAGMENT_US),
}
# Later than any sound.
ENDLESS_S = 1e12


class VideoFileSink:
    """Writes annotated pictures to an mp4. Satisfies `rtau.protocols.Sink`.

    Frames keep their timestamps, so a variable frame rate is preserved, and the last frame has its
    duration in the source. Pictures of another size are scaled to fit and letterboxed. `audio` and
    `note` report what was done with the sound and the file.

    Args:
        path: the output, `.mp4` or `.m4v`.
        width: of the pictures, px; an odd size grows by one replicated pixel.
        height: likewise.
        nominal_fps: a hint for rate control and for the last frame; None when unknown.
        original: the source file, whose best audio stream is copied from the first to the last
            picture of the run. None for live sources.
        keeps_sound: False leaves the sound out.
        time_base: seconds per tick of the output's clock.
        encoder: FFmpeg's name of an H.264 encoder: `libx264`, `h264_nvenc`, `libopenh264`.
        crf: constant quality, lower is better; encoders without one get a bit rate.
        preset: speed against size, for libx264.
        threads: threads of the encoder; 0 lets it choose.
        overwrite: False refuses a file that is already there.
    """

    is_view = False
    is_slow = True
    wants_overlay = True

    def __init__(  # noqa: PLR0913 - each is a separate option
        self,
        path: Path,
        *,
        width: int,
        height: int,
        nominal_fps: Fraction | None,
        original: MediaOrigin | None = None,
        keeps_sound: bool = True,
        time_base: Fraction = DEFAULT_TIME_BASE,
        encoder: str = "libx264",
        crf: int = 20,
        preset: str = "veryfast",
        threads: int = 0,
        overwrite: bool = True,
    ) -> None:
        """Opens encoder and file, so that errors occur before the first frame.

        Raises:
            UsageError: wrong suffix, the output is the input or a directory.
            SinkError: the encoder is missing, or the output cannot be written.
        """
        check_suffix(path)
        inputs = [original.path] if original is not None and original.path is not None else []
        check_output(path, inputs=inputs, overwrite=overwrite)
        self.name = str(path)
        self.note: str | None = None
        self._path = path.resolve()  # a link is followed, not replaced
        self._time_base = time_base
        fps = believable_fps(nominal_fps)
        self._nominal_s = None if fps is None else float(1 / fps)
        self._gap_s: float | None = None
        self._held: Packet[Any] | None = None
        self._last_pts: int | None = None
        self._is_open = True
        self._original: OriginalFile | None = None
        self._sound_refused: str | None = None
        self._keeps_sound = keeps_sound
        picture_encoder = functools.partial(
            PictureEncoder,
            width=width,
            height=height,
            nominal_fps=nominal_fps,
            time_base=time_base,
            encoder=encoder,
            options=(crf, preset),
            threads=threads,
        )
        try:
            self._begin(picture_encoder, original, nominal_fps)
        except _SoundRefusedError as error:
            self._sound_refused = f"sound: mp4 cannot hold it, left out ({error})"
            self._is_open, self._keeps_sound = True, False
            self._begin(picture_encoder, original, nominal_fps)

    @property
    def audio(self) -> str:
        """What was done with the sound: `copied aac`, `transcoded pcm_s16le to aac`, `none`."""
        return "none" if self._original is None else self._original.audio

    def write(self, result: FrameResult, picture: Picture | None, /) -> None:
        """Encodes the picture with the frame's timestamp, and writes the sound up to it.

        Raises:
            SinkError: the disk is full and the like; what was written until then plays.
        """
        self.write_prepared(result, self.prepare(picture))

    def prepare(self, picture: Picture | None, /) -> av.VideoFrame:
        """Returns the picture in the encoder's format (`PreparingSink`)."""
        if picture is None:
            raise ValueError(f"{self.name}: write needs a picture")
        return self._encoder.prepare(picture)

    def write_prepared(self, result: FrameResult, frame: av.VideoFrame, /) -> None:
        """Does what `write` does, with a prepared picture.

        Raises:
            SinkError: as `write`.
        """
        if not self._is_open:
            raise ValueError(f"{self.name}: write needs an open sink")
        time_s = result.frame.time_s
        pts = round(time_s / self._time_base)
        if self._last_pts is not None:
            # A stalled camera's clock gives two frames the same time.
            pts = max(pts, self._last_pts + 1)
            self._gap_s = float((pts - self._last_pts) * self._time_base)
        try:
            packets = self._encoder.encode(frame, pts=pts)
            self._last_pts = pts
            self._mux_pictures(packets)
            if self._original is not None:
                self._mux_sound(self._original.audio_until(time_s))
        except (av.FFmpegError, OSError) as error:
            self._abandon()
            raise self._failure(error) from error

    def report(self) -> SinkReport:
        """Returns what became of the sound, and of the file where it is not a plain mp4."""
        sound = self._sound_refused or (None if self._original is None else self._original.note)
        notes = [note for note in (self.note, sound) if note]
        return SinkReport(note="; ".join(notes) or None, audio=self.audio)

    def close(self) -> None:
        """Finishes the file and makes it a plain mp4; may be called twice.

        Raises:
            SinkError: the end could not be written; what is there plays.
        """
        if not self._is_open:
            return
        self._is_open = False
        try:
            if self._last_pts is None:
                self._discard()
            else:
                self._finish(self._last_pts)
        except (av.FFmpegError, OSError) as error:
            self._abandon()
            raise self._failure(error) from error
        finally:
            if self._original is not None:
                self._original.close()

    def _begin(
        self,
        picture_encoder: Callable[[OutputContainer], PictureEncoder],
        original: MediaOrigin | None,
        nominal_fps: Fraction | None,
    ) -> None:
        """Opens the output and writes its header.

        Raises:
            SinkError: the encoder is missing, or the output cannot be written.
            _SoundRefusedError: the header cannot be written with this sound.
        """
        self._output = av.open(
            str(self._path), "w", format="mp4", container_options=dict(FRAGMENTED)
        )
        with self._closing_on_error():
            self._encoder = picture_encoder(self._output)
            if original is not None:
                self._original = OriginalFile(
                    original,
                    output=self._output,
                    nominal_fps=nominal_fps,
                    keeps_sound=self._keeps_sound,
                )
            try:
                self._output.start_encoding()
            except (av.FFmpegError, OSError) as error:
                reason = error.strerror or str(error)
                # Its codec context has no name any more: PyAV 19 ends the process that asks for it.
                if not self._encoder.stream.codec_context.is_open:
                    raise SinkError(
                        f"encoder {self._encoder.name} cannot be opened here ({reason}); H.264 "
                        f"encoders of this FFmpeg: {', '.join(available_encoders())}"
                    ) from error
                if self._original is not None and self._original.has_sound:
                    raise _SoundRefusedError(reason) from error
                raise self._failure(error) from error

    def _mux_pictures(self, packets: Iterable[Packet[Any]]) -> None:
        """Writes all packets but the newest, whose duration depends on the next one."""
        for packet in packets:
            held, self._held = self._held, packet
            if held is not None and held.dts is not None and packet.dts is not None:
                held.duration = packet.dts - held.dts
                self._mux(held)

    def _mux_sound(self, packets: Iterable[Packet[Any]]) -> None:
        for packet in packets:
            self._mux(packet)

    def _mux(self, packet: Packet[Any]) -> None:
        """Writes a packet of pictures or sound, and what waited for it.

        What the muxer refuses is sound: the pictures' packets are of our own encoder.
        """
        try:
            self._output.mux(packet)
        except (av.error.InvalidDataError, av.error.ArgumentError):
            if self._original is None or not self._original.has_sound:
                raise
            self._original.refuse()

    def _finish(self, last_pts: int) -> None:
        self._mux_pictures(self._encoder.flush())
        last_s = float(last_pts * self._time_base)
        duration_s = self._last_duration_s(last_s)
        held, self._held = self._held, None
        if held is not None:
            held.duration = max(1, round(duration_s / self._time_base))
            self._mux(held)
        if self._original is not None:
            # The sound of a whole file may be longer than its pictures; a shortened run ends both.
            whole = self._original.ends_with(last_s)
            end_s = ENDLESS_S if whole else last_s + duration_s
            self._mux_sound(self._original.audio_until(end_s))
            self._mux_sound(self._original.audio_rest())
        self._output.close()
        if self._path.is_file():  # a pipe or a device has no second step
            reason = make_streamable(self._path)
            if reason is not None:
                self.note = f"left as a fragmented mp4, which plays ({reason})"

    def _last_duration_s(self, last_s: float) -> float:
        known = None if self._original is None else self._original.duration_s(last_s)
        return known or self._nominal_s or self._gap_s or float(1 / FALLBACK_FPS)

    def _discard(self) -> None:
        """Removes the file: an mp4 without pictures does not play."""
        self._close_output_quietly()
        if self._path.is_file():
            self._path.unlink()
        self.note = "not written: no frame came"

    def _abandon(self) -> None:
        """Makes what was written playable; the caller raises the error."""
        self._is_open = False
        self._close_output_quietly()
        if self._original is not None:
            self._original.close()
        with contextlib.suppress(OSError):
            if self._path.is_file() and not truncate_to_whole_boxes(self._path):
                self._path.unlink()
        self.note = "cut short and left as a fragmented mp4, which plays"

    def _close_output_quietly(self) -> None:
        # After a write error, writing the trailer fails too.
        with contextlib.suppress(av.FFmpegError, OSError):
            self._output.close()

    @contextlib.contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._is_open = False
            self._close_output_quietly()
            if self._original is not None:
                self._original.close()
            if isinstance(error, av.FFmpegError):
                raise self._failure(error) from error
            raise

    def _failure(self, error: av.FFmpegError | OSError) -> SinkError:
        return SinkError(
            f"{self.name} cannot be written ({error.strerror or error}); what was written until "
            "then is kept: free space or choose another place"
        )


class _SoundRefusedError(Exception):
    """The mp4 cannot be begun with this sound; the text says why."""


def check_suffix(path: Path) -> None:
    """Raises UsageError unless a path ends like an mp4."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"output video must end in {' or '.join(SUFFIXES)}, got {path}")
