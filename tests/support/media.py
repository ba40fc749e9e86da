"""Makes the clips the tests run on: each is drawn, encoded and damaged here, in milliseconds.

Every picture carries its own number as a bar code, so that a test can tell which frame came out
of a decoder. Used by the tests of the sources, of the video sink and of the faults.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# A display matrix as mp4 stores it is 9 integers: a b u / c d v / x y w; u v w are 2.30 fixed.
# These are (a, b, c, d): x_shown = a x + c y, y_shown = b x + d y.
ROTATIONS = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),  # clockwise, as a player turns the stored picture
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
MIRRORED = {
    0: (-1, 0, 0, 1),  # left and right change places
    90: (0, -1, -1, 0),  # they do, and then the picture is turned 90 degrees clockwise
    180: (1, 0, 0, -1),
    270: (0, 1, 1, 0),
}

_BITS = 10


@dataclasses.dataclass(frozen=True)
class Colour:
    """Tags of a clip's colours as integers of ISO/IEC 23091-2 (H.273); range 1 = tv, 2 = full."""

    matrix: int = 2
    range: int = 0
    transfer: int = 2
    primaries: int = 2


def numbered(index: int, *, width: int = 64, height: int = 48, level: int = 90) -> Image:
    """Returns a grey picture that carries `index` (0..1023) as a bar code: uint8 (H, W, 3), BGR.

    The top left quarter is bluish and the right edge reddish, so that a turn or a mirror shows.
    Needs at least 20 x 8 pixels; `frame_number` reads it back after lossy coding.
    """
    image = np.full((height, width, 3), level, np.uint8)
    image[: height // 2, : width // 4] = (200, 90, 60)
    image[: height // 2, width - width // 4 :] = (60, 90, 200)
    edges = np.linspace(0, width, _BITS + 1).astype(int)
    for bit in range(_BITS):
        on = index >> bit & 1
        image[height // 2 :, edges[bit] : edges[bit + 1]] = 235 if on else 16
    return image


def frame_number(image: Image) -> int:
    """Returns the number `numbered` drew into an upright picture of any size."""
    height, width = image.shape[:2]
    edges = np.linspace(0, width, _BITS + 1)
    row = image[height // 2 + height // 4].astype(float).mean(axis=1)
    middles = ((edges[:-1] + edges[1:]) / 2).astype(int)
    return sum(1 << bit for bit, x in enumerate(middles) if row[x] > 128)


def write_clip(
    path: Path,
    frames: Iterable[Image] | None = None,
    *,
    count: int = 12,
    size: tuple[int, int] = (64, 48),
    fps: Fraction | int = 30,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    colour: Colour | None = None,
    aspect: Fraction | None = None,
    audio: str | None = None,
    gop: int = 12,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """Returns `path` after writing a clip to it; the suffix chooses the container.

    Args:
        path: where to write.
        frames: BGR pictures, all of one size; numbered ones of `size` (width, height) by default.
        count: how many numbered pictures when `frames` is None.
        size: width and height of the numbered pictures.
        fps: declared rate, and the clock when `times_s` is None.
        times_s: presentation times, one per frame (variable rate), on a 1/90000 s grid.
        codec: any encoder of FFmpeg: libx264, ffv1, mjpeg, mpeg4, ...; libx265 into .nut only, as
            PyAV's mp4 and mkv muxers refuse it now and then, by what lies in memory before.
        pix_fmt: what the encoder is given: yuv420p, yuv420p10le, gray, yuva420p, bgra, ...
        colour: tags to write (and the matrix and range the pixels are converted with).
        aspect: sample aspect ratio, width of a pixel over its height.
        audio: an audio encoder (aac, pcm_s16le, ...) for a 440 Hz tone as long as the pictures.
        gop: pictures between key frames.
        options: further options of the video encoder.
        container: options of the muxer: {"movflags": "frag_keyframe+empty_moov"}, ...
    """
    if frames is None:
        frames = (numbered(index, width=size[0], height=size[1]) for index in range(count))
    base = Fraction(1, 90000) if times_s is not None else 1 / Fraction(fps)
    duration_s = 0.0
    with av.open(str(path), "w", options=container or {}) as file:
        video = file.add_stream(codec, rate=Fraction(fps), options=_options(codec, gop, options))
        video.pix_fmt, video.time_base = pix_fmt, base
        video.codec_context.time_base = base
        sound = file.add_stream(audio, rate=48000, layout="mono") if audio else None
        for index, picture in enumerate(frames):
            if index == 0:
                _describe(video, picture, colour, aspect)
            frame = _frame(picture, pix_fmt, colour)
            frame.time_base = base
            frame.pts = index if times_s is None else round(times_s[index] / base)
            duration_s = float(frame.pts * base) + 1 / float(fps)
            file.mux(video.encode(frame))
        if duration_s == 0.0:
            video.width, video.height = size
            file.start_encoding()
        file.mux(video.encode())
        if sound is not None:
            _write_tone(file, sound, duration_s)
    return path


def _options(codec: str, gop: int, options: dict[str, str] | None) -> dict[str, str]:
    chosen = {"g": str(gop)}
    if codec == "libx264":
        chosen |= {"preset": "ultrafast", "crf": "12"}
    if codec == "libx265":
        chosen |= {"preset": "ultrafast", "x265-params": "log-level=none:crf=12"}
    return chosen | (options or {})


def _describe(
    video: av.VideoStream, picture: Image, colour: Colour | None, aspect: Fraction | None
) -> None:
    video.height, video.width = picture.shape[:2]
    context = video.codec_context
    if aspect is not None:
        context.sample_aspect_ratio = aspect
    if colour is not None:
        context.colorspace, context.color_range = colour.matrix, colour.range
        context.color_trc, context.color_primaries = colour.transfer, colour.primaries


def _frame(picture: Image, pix_fmt: str, colour: Colour | None) -> av.VideoFrame:
    """Returns a picture in the encoder's format, converted with the matrix the tags name."""
    frame = av.VideoFrame.from_ndarray(picture, format="bgra" if picture.shape[2] == 4 else "bgr24")
    if colour is None:
        return frame.reformat(format=pix_fmt)
    matrix = {1: 1, 5: 5, 6: 5, 9: 9}.get(colour.matrix)  # H.273 -> swscale's own numbers
    frame = frame.reformat(
        format=pix_fmt, dst_colorspace=matrix, dst_color_range=colour.range or None
    )
    frame.colorspace, frame.color_range = colour.matrix, colour.range
    frame.color_trc, frame.color_primaries = colour.transfer, colour.primaries
    return frame


def _write_tone(
    file: av.container.OutputContainer, sound: av.AudioStream, duration_s: float
) -> None:
    rate, step = 48000, 1024
    for start in range(0, round(duration_s * rate), step):
        wave = np.sin(2 * np.pi * 440 / rate * np.arange(start, start + step))
        samples = (wave * 8000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        file.mux(sound.encode(frame))
    file.mux(sound.encode())


def set_display_matrix(
    path: Path, *, turn: int = 0, mirror: bool = False, matrix: Sequence[float] | None = None
) -> Path:
    """Returns `path` (mp4 or mov) with the display matrix of its first track replaced.

    Args:
        path: the clip to change in place.
        turn: how far a player turns the stored picture clockwise: 0, 90, 180 or 270 degrees.
        mirror: whether a player swaps left and right first.
        matrix: (a, b, c, d) itself instead of the two.
    """
    a, b, c, d = matrix if matrix is not None else (MIRRORED if mirror else ROTATIONS)[turn]
    raw = bytearray(path.read_bytes())
    header = raw.index(b"tkhd") + 4
    start = header + (52 if raw[header] == 1 else 40)  # version 1 has 64-bit times
    fixed = [round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)] + [1 << 30]
    struct.pack_into(">9i", raw, start, *fixed)
    path.write_bytes(raw)
    return path


def stored_for(upright: Image, *, turn: int = 0, mirror: bool = False) -> Image:
    """Returns the picture to store so that it is shown as `upright` under that display matrix."""
    stored = np.rot90(upright, k=turn // 90)  # counter-clockwise: undoes the player's turn
    return np.ascontiguousarray(stored[:, ::-1] if mirror else stored)


def truncate(path: Path, *, keep: float) -> Path:
    """Returns `path` cut after the share `keep` of its bytes."""
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    return path


def damage(path: Path, *, start: float, end: float, seed: int = 0) -> Path:
    """Returns `path` with the bytes between two shares of its length replaced by noise."""
    raw = bytearray(path.read_bytes())
    first, last = int(len(raw) * start), int(len(raw) * end)
    raw[first:last] = np.random.default_rng(seed).bytes(last - first)
    path.write_bytes(raw)
    return path


def write_audio_only(path: Path, *, codec: str = "aac", duration_s: float = 0.5) -> Path:
    """Returns `path` after writing a file with a tone and no picture to it (.mp4, .m4a, .wav)."""
    with av.open(str(path), "w") as file:
        sound = file.add_stream(codec, rate=48000, layout="mono")
        _write_tone(file, sound, duration_s)
    return path


def write_text_as_video(path: Path) -> Path:
    """Returns `path` after writing plain text to it: a text file renamed .mp4."""
    path.write_text("These are not the pixels you are looking for.\n" * 20, encoding="utf-8")
    return path


def write_without_frames(path: Path) -> Path:
    """Returns `path` (.mp4) after writing a video track without a single picture to it."""
    return write_clip(path, [], container={"movflags": "frag_keyframe+empty_moov"})


def write_resized(path: Path, sizes: Sequence[tuple[int, int]], *, count: int = 4) -> Path:
    """Returns `path` (.h264 or .ts) with `count` numbered pictures of each size, one after another.

    Numbers go on counting through the change; a raw stream carries no times.
    """
    parts = []
    for part, (width, height) in enumerate(sizes):
        piece = path.with_name(f"{path.stem}-{part}{path.suffix}")
        first = part * count
        pictures = (numbered(first + k, width=width, height=height) for k in range(count))
        times = [(first + k) / 30 for k in range(count)]
        write_clip(piece, pictures, times_s=times)
        parts.append(piece.read_bytes())
        piece.unlink()
    path.write_bytes(b"".join(parts))
    return path
