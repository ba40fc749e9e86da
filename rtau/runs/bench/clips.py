"""Makes the clips that are measured on, and re-encodes them bare for comparison.

A clip shows as many faces as are asked for: a given clip's frames (or a drawn figure's) side by
side, as in a video call: a gap between tiles, every tile at another moment, every second one
mirrored. Finds no faces and times nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from rtau.config import OutputConfig
from rtau.contract import sha256_of
from rtau.data import Image
from rtau.errors import UsageError
from rtau.protocols import Source
from rtau.runs.bench.record import ClipRecord
from rtau.sinks.video_encoder import KEY_FRAME_EVERY_S, available_encoders
from rtau.sources.synthetic import SyntheticSource
from rtau.sources.video_file import VideoFileSource

SYNTHETIC = "synthetic"
FALLBACK_FPS = Fraction(25)
# Nearly lossless, so that a second encoding changes little in the picture.
CLIP_OPTIONS = {"libx264": {"crf": "18", "preset": "veryfast"}}
MOST_FACES = 64
# Between tiles, of a clip's shorter side. Where four necks and shoulders of one person meet without
# a gap, mirrored, their outlines are what no camera sees: brows and cheeks of a face.
GAP = 1 / 36


def grid(faces: int, *, width: int, height: int) -> tuple[int, int]:
    """Returns columns and rows of the tiles that leave each face the most room."""

    def room(columns: int) -> tuple[float, int]:
        rows = -(-faces // columns)
        return min(width / columns, height / rows), -columns * rows

    columns = max(range(1, faces + 1), key=room)
    return columns, -(-faces // columns)


def compose(
    base: Path | None, path: Path, /, *, faces: int, size: tuple[int, int], frames: int
) -> ClipRecord:
    """Returns the record of a new clip that shows the face of a base clip several times.

    Args:
        base: a clip with one face near its middle; None draws figures.
        path: the .mp4 to write.
        faces: how many tiles.
        size: width and height, px, both even.
        frames: how many frames; a shorter base is repeated.

    Raises:
        UsageError: too few or too many faces or frames, or an odd or too small size.
        SourceOpenError: the base is no video.
    """
    width, height = size
    if not 1 <= faces <= MOST_FACES or frames < 1 or min(size) < 16 or width % 2 or height % 2:
        raise UsageError(
            f"a clip needs 1 to {MOST_FACES} faces, frames and an even size of 16 px or more, got "
            f"{faces} faces, {frames} frames, {width}x{height}"
        )
    columns, rows = grid(faces, width=width, height=height)
    tile = (width // columns // 2 * 2, height // rows // 2 * 2)
    # On either side of a tile; a single one fills the clip.
    margin = 0 if faces == 1 else max(1, round(GAP * min(size) / 2))
    shown = (tile[0] - 2 * margin, tile[1] - 2 * margin)
    tiles = [_tile(base, number, faces=faces, size=shown, frames=frames) for number in range(faces)]
    fps = _rate(base)
    with _Writer(path, size=size, fps=fps, sound_of=base) as writer:
        for index in range(frames):
            canvas = np.zeros((height, width, 3), np.uint8)
            for number, pictures in enumerate(tiles):
                left, top = number % columns * tile[0], number // columns * tile[1]
                left, top = left + margin, top + margin
                canvas[top : top + shown[1], left : left + shown[0]] = next(pictures)
            writer.write(VideoFrame.from_ndarray(canvas, format="bgr24"), index=index)
    for pictures in tiles:
        pictures.close()
    return clip_record(path, faces=faces, made_from=f"{base.name if base else SYNTHETIC}, tiled")


def clip_record(path: Path, /, *, faces: int, made_from: str | None = None) -> ClipRecord:
    """Returns the record of a clip as it is.

    Raises:
        SourceOpenError: no video.
    """
    with VideoFileSource(path) as source:
        info = source.info
        frames = info.frame_count or sum(1 for _ in source)
    return ClipRecord(
        name=path.stem,
        sha256=sha256_of(path),
        width=info.width,
        height=info.height,
        fps=round(float(info.nominal_fps or FALLBACK_FPS), 3),
        frames=frames,
        faces=faces,
        made_from=made_from or path.name,
    )


def transcode(clip: Path, path: Path, /, *, output: OutputConfig) -> int:
    """Returns how many frames a bare decode and encode of a clip took to `path`, sound included.

    The pictures stay in the decoder's own format; the encoder has the settings of an annotated
    video but chooses its threads itself. No annotated video can take less.
    """
    source = av.open(str(clip))
    with source:
        pictures = source.streams.video[0]
        size = (pictures.codec_context.width, pictures.codec_context.height)
        rate = pictures.average_rate or FALLBACK_FPS
        count = 0
        with _Writer(path, size=size, fps=rate, sound_of=clip, output=output) as writer:
            for frame in source.decode(pictures):
                writer.write(frame, index=count)
                count += 1
    return count


def _rate(base: Path | None) -> Fraction:
    if base is None:
        return FALLBACK_FPS
    with VideoFileSource(base) as source:
        return source.info.nominal_fps or FALLBACK_FPS


def _tile(
    base: Path | None, number: int, *, faces: int, size: tuple[int, int], frames: int
) -> Generator[Image, None, None]:
    """Yields the pictures of one tile without end: uint8 (H, W, 3), BGR."""
    first = number * frames // faces
    for picture in itertools.islice(_pictures(base, number, size=size), first, None):
        fitted = _covering(picture, size)
        yield np.ascontiguousarray(fitted[:, ::-1]) if number % 2 else fitted


def _pictures(
    base: Path | None, number: int, *, size: tuple[int, int]
) -> Generator[Image, None, None]:
    """Yields the base's pictures over and over."""
    while True:
        source: Source
        if base is None:
            source = SyntheticSource(
                frames=500, width=size[0], height=size[1], fps=FALLBACK_FPS, seed=number
            )
        else:
            source = VideoFileSource(base)
        try:
            for frame in source:
                yield frame.image_bgr
        finally:
            source.close()


def _covering(image: Image, size: tuple[int, int]) -> Image:
    """Returns the middle of a picture in another size: as much of it as fills the size."""
    height, width = image.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    cut_width, cut_height = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    part = np.ascontiguousarray(image[top : top + cut_height, left : left + cut_width])
    if (cut_width, cut_height) == size:
        return part
    how = "AREA" if scale < 1 else "BICUBIC"
    frame = VideoFrame.from_ndarray(part, format="bgr24")
    scaled = frame.reformat(width=size[0], height=size[1], interpolation=how)
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


class _Writer:
    """An H.264 mp4 with the sound of another file up to its own end."""

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: Fraction,
        sound_of: Path | None,
        output: OutputConfig | None = None,
    ) -> None:
        self._fps = fps
        self._output = av.open(str(path), "w", format="mp4")
        self._stream = self._pictures(size, output)
        self._sound_file: InputContainer | None = None
        self._sound: Iterator[Packet[Any]] = iter(())
        self._held: Packet[Any] | None = None
        if sound_of is not None:
            self._sound_file = av.open(str(sound_of))
            if self._sound_file.streams.audio:
                original = self._sound_file.streams.audio[0]
                self._track = self._output.add_stream_from_template(original)
                self._sound = self._sound_file.demux(original)

    def _pictures(self, size: tuple[int, int], output: OutputConfig | None) -> VideoStream:
        """Returns the stream of pictures, by an annotated video's settings or nearly lossless."""
        encoder = _encoder() if output is None else output.encoder
        options = dict(CLIP_OPTIONS.get(encoder, {}))
        if output is not None and encoder in CLIP_OPTIONS:
            options = {"crf": str(output.crf), "preset": output.preset}
        stream = cast(VideoStream, self._output.add_stream(encoder, rate=self._fps))
        context = stream.codec_context
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.options = options
        context.time_base = stream.time_base = 1 / self._fps
        if output is not None:
            context.gop_size = max(1, round(self._fps * KEY_FRAME_EVERY_S))
            context.max_b_frames = 0
        return stream

    def write(self, frame: VideoFrame, *, index: int) -> None:
        """Encodes one picture at its place, and the sound up to there."""
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = index, 1 / self._fps
        frame.pict_type = av.video.frame.PictureType.NONE  # the decoder's choice is not ours
        self._output.mux(list(self._stream.encode(frame)))
        self._write_sound(until_s=float(index / self._fps))

    def _write_sound(self, *, until_s: float) -> None:
        while True:
            packet = self._held or next(self._sound, None)
            self._held = None
            if packet is None or packet.dts is None or packet.time_base is None:
                return
            if float(packet.dts * packet.time_base) > until_s:
                self._held = packet
                return
            packet.stream = self._track
            self._output.mux(packet)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._output.mux(list(self._stream.encode(None)))
        self._output.close()
        if self._sound_file is not None:
            self._sound_file.close()


def _encoder() -> str:
    """Returns an H.264 encoder that is here, libx264 if it is."""
    found = available_encoders()
    if not found:
        raise UsageError("this PyAV has no H.264 encoder, and no clip can be made without one")
    return "libx264" if "libx264" in found else found[0]
