"""Encodes pictures as H.264: even sizes, BT.709 colours, the caller's timestamps.

The only module with encoders and their options; `video_file.py` writes the packets.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream

from rtau.cpu import usable_cores
from rtau.data import Image, Picture, Planes
from rtau.errors import SinkError
from rtau.overlay.video_colours import in_bgr, is_video_coded, write_planes

# A hint for rate control if the source declares no rate, or a clock's frequency instead of one.
FALLBACK_FPS = Fraction(30)
MAX_FPS = 240
# Seconds between key frames, to which players can seek.
KEY_FRAME_EVERY_S = 2
# Pixel formats that every player decodes, best first; some hardware encoders have only the second.
PIXEL_FORMATS = ("yuv420p", "nv12")
# Sizes and presets for which libx264 needs less time than the rest of a run.
QUICK_PX = 1280 * 720
QUICK_PRESETS = ("ultrafast", "superfast", "veryfast")
# A run has at least two threads: the calling one, and one that encodes.
THREADS_OF_A_RUN = 2


class PictureEncoder:
    """Encodes pictures of any size into one H.264 stream of one even size."""

    def __init__(
        self,
        output: OutputContainer,
        *,
        width: int,
        height: int,
        nominal_fps: Fraction | None,
        time_base: Fraction,
        encoder: str,
        options: tuple[int, str],
        threads: int = 0,
    ) -> None:
        """Adds a stream to `output`; the encoder opens when the container starts.

        Args:
            output: the container that will hold the stream.
            width: of the pictures, px; odd sizes grow by one replicated pixel.
            height: likewise.
            nominal_fps: a hint for rate control; timestamps are the caller's.
            time_base: seconds per tick of the timestamps.
            encoder: FFmpeg's name of an H.264 encoder.
            options: crf (quality, lower is better) and preset, in libx264's terms.
            threads: threads of the encoder; 0 lets it choose.

        Raises:
            SinkError: FFmpeg has no such H.264 encoder.
        """
        self.name = encoder
        """FFmpeg's name of the encoder."""
        self._width, self._height = width, height
        self._time_base = time_base
        codec = _h264_encoder(encoder)
        fps = believable_fps(nominal_fps) or FALLBACK_FPS
        crf, preset = options
        stream = cast(
            VideoStream,
            output.add_stream(
                encoder, rate=fps, options=_encoder_options(encoder, crf=crf, preset=preset)
            ),
        )
        context = stream.codec_context
        context.width, context.height = width + width % 2, height + height % 2
        known = {known.name for known in codec.video_formats or ()}
        context.pix_fmt = next((name for name in PIXEL_FORMATS if name in known), PIXEL_FORMATS[0])
        context.time_base = time_base
        context.thread_count = threads
        context.gop_size = max(1, round(fps * KEY_FRAME_EVERY_S))
        # Without B-frames packets come in picture order: nothing is shifted to make room for
        # reordering, and a killed run loses fewer frames. About a tenth more bytes.
        context.max_b_frames = 0
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.colorspace = Colorspace.ITU709
        context.color_range = ColorRange.MPEG
        if "crf" not in context.options and encoder not in _QUALITY_OPTIONS:
            context.bit_rate = _bit_rate(width, height, fps=fps)
        stream.time_base = time_base
        self.stream = stream
        self._pixel_format = context.pix_fmt
        self._reformatter = VideoReformatter()

    def encode(self, frame: av.VideoFrame, *, pts: int) -> list[Packet[Any]]:
        """Encodes a frame of `prepare`; returns the packets that are ready, possibly none."""
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        if self._pixel_format != frame.format.name:
            frame = self._reformatter.reformat(frame, format=self._pixel_format)
        frame.pts, frame.time_base = pts, self._time_base
        frame.color_primaries, frame.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return list(self.stream.encode(frame))

    def flush(self) -> list[Packet[Any]]:
        """Returns the encoder's remaining packets."""
        return list(self.stream.encode(None))

    def prepare(self, picture: Picture, /) -> av.VideoFrame:
        """Returns the picture in the stream's size and colours, for `encode`.

        It has no side effects: another thread may call it during `encode`.
        """
        if isinstance(picture, Planes) and self._takes(picture):
            frame = av.VideoFrame(self._width, self._height, PIXEL_FORMATS[0])
            stored = (picture.y, picture.u, picture.v)
            for plane, values in zip(frame.planes, stored, strict=True):
                _rows(plane)[:] = values
            return frame
        fitted = self._fitted(in_bgr(picture))
        frame = av.VideoFrame(fitted.shape[1], fitted.shape[0], PIXEL_FORMATS[0])
        y, u, v = (_rows(plane) for plane in frame.planes)
        write_planes(fitted, y=y, u=u, v=v)
        return frame

    def _takes(self, planes: Planes) -> bool:
        """True if planes have the stream's size and colours."""
        return planes.y.shape == (self._height, self._width) and is_video_coded(planes)

    def _fitted(self, image_bgr: Image) -> Image:
        """Returns the picture in the stream's size: letterboxed if it differs, padded to even."""
        if image_bgr.shape[:2] != (self._height, self._width):
            image_bgr = _letterboxed(image_bgr, width=self._width, height=self._height)
        if self._width % 2 or self._height % 2:
            pad = ((0, self._height % 2), (0, self._width % 2), (0, 0))
            image_bgr = np.pad(image_bgr, pad, mode="edge")
        return np.ascontiguousarray(image_bgr)


def _rows(plane: Any) -> Image:
    """Returns a writable view of a plane without its row padding: uint8 (h, w)."""
    padded = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return padded[:, : plane.width]


def believable_fps(nominal_fps: Fraction | None) -> Fraction | None:
    """Returns the declared rate; None if it is a clock's frequency, as in some files."""
    return nominal_fps if nominal_fps is not None and 0 < nominal_fps <= MAX_FPS else None


def threads_in_a_run(encoder: str, *, preset: str, width: int, height: int) -> int:
    """Returns the number of an encoder's threads in a run; 0 lets it choose.

    One where the run's own threads have all the cores and encoding is the lesser part: an encoder's
    threads then stand in line behind them, while another core may be idle (ADR 25).

    Args:
        encoder: FFmpeg's name of it; 0 for all but libx264.
        preset: libx264's speed preset.
        width: of the pictures, px.
        height: likewise.
    """
    is_quick = preset in QUICK_PRESETS and width * height <= QUICK_PX
    is_alone = usable_cores() <= THREADS_OF_A_RUN
    return int(encoder == "libx264" and is_quick and is_alone)


def available_encoders() -> tuple[str, ...]:
    """Returns the names of the H.264 encoders in this FFmpeg; some may lack their hardware."""
    return tuple(name for name in sorted(av.codecs_available) if _is_h264_encoder(name))


# Each encoder's option for constant quality; others get a bit rate.
_QUALITY_OPTIONS = {"libx264": "crf", "h264_nvenc": "cq", "h264_qsv": "global_quality"}


def _encoder_options(encoder: str, *, crf: int, preset: str) -> dict[str, str]:
    options = {_QUALITY_OPTIONS[encoder]: str(crf)} if encoder in _QUALITY_OPTIONS else {}
    if encoder == "libx264":
        options["preset"] = preset
    return options


def _bit_rate(width: int, height: int, *, fps: Fraction) -> int:
    # A tenth of a bit per pixel is good for faces in H.264; small pictures need more.
    return max(200_000, round(0.1 * width * height * float(fps)))


def _is_h264_encoder(name: str) -> bool:
    try:
        codec = av.codec.Codec(name, "w")
    except UnknownCodecError:
        return False
    # libx264rgb is H.264 too, but in a colour format no browser plays.
    return codec.canonical_name == "h264" and not name.endswith("rgb")


def _h264_encoder(name: str) -> av.codec.Codec:
    if not _is_h264_encoder(name):
        raise SinkError(
            f"encoder must be an H.264 encoder of this FFmpeg ({', '.join(available_encoders())}), "
            f"got {name!r}"
        )
    return av.codec.Codec(name, "w")


def _letterboxed(image_bgr: Image, *, width: int, height: int) -> Image:
    """Returns the whole picture, scaled and centred on black: uint8 (height, width, 3)."""
    have_height, have_width = image_bgr.shape[:2]
    scale = min(width / have_width, height / have_height)
    new_width = min(width, max(1, round(have_width * scale)))
    new_height = min(height, max(1, round(have_height * scale)))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image_bgr), format="bgr24")
    scaled = frame.reformat(width=new_width, height=new_height, interpolation="AREA").to_ndarray()
    left, top = (width - new_width) // 2, (height - new_height) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[top : top + new_height, left : left + new_width] = scaled
    return canvas
