"""Sources of frames: the kind of a target on the command line, and the class that opens it.

Reads names and folders only: neither OpenCV nor PyAV is imported before a source is opened.
Called by the command line, and by programs that use rtau as a library.
"""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

from rtau.errors import UsageError
from rtau.protocols import Source
from rtau.sources.paths import (
    IMAGE_SUFFIXES,
    TABLE_SUFFIXES,
    VIDEO_SUFFIXES,
    FoundFiles,
    LeftOut,
    expand_images,
    expand_tables,
    expand_videos,
    is_pattern,
    tree_of,
)

__all__ = [
    "IMAGE_SUFFIXES",
    "SOURCES",
    "TABLE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "FoundFiles",
    "LeftOut",
    "expand_images",
    "expand_tables",
    "expand_videos",
    "is_address",
    "open_file",
    "open_source",
    "target_of",
    "tree_of",
]

# Kind of a target -> module and class.
SOURCES = {
    "camera": ("rtau.sources.camera", "CameraSource"),
    "stream": ("rtau.sources.stream", "StreamSource"),
    "images": ("rtau.sources.images", "ImageSource"),
    "video": ("rtau.sources.video_file", "VideoFileSource"),
    "synthetic": ("rtau.sources.synthetic", "SyntheticSource"),
}

# What FFmpeg opens over a network.
SCHEMES = frozenset({"rtsp", "rtsps", "rtmp", "http", "https", "udp", "tcp", "rtp", "srt"})

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DEVICE = re.compile(r"/dev/video\d+|/dev/v4l/.+")


def kind_of(target: str) -> str:
    """Returns what a target means: `camera`, `stream`, `images` or `video`.

    A whole number is a camera's index, `/dev/videoN` its path, something with a `!` in it a
    GStreamer pipeline, `rtsp://...` and the like a stream. A folder, a pattern or a name with an
    image's suffix means images; any other name is a video file. (`./0` is a file named 0.)

    Raises:
        UsageError: an address of a kind that is not known.
    """
    scheme = _SCHEME.match(target)
    if scheme is not None and not _is_pipeline(target):
        if scheme[1].lower() in SCHEMES:
            return "stream"
        raise UsageError(
            f"{target}: addresses start with {', '.join(sorted(SCHEMES))}, got {scheme[1]}; "
            "give a file by its path"
        )
    if target.isascii() and target.isdigit():
        return "camera"
    if _DEVICE.fullmatch(target) or _is_pipeline(target):
        return "camera"
    path = Path(target)
    if path.is_dir() or is_pattern(target) or path.suffix.lower() in IMAGE_SUFFIXES:
        return "images"
    return "video"


def is_address(target: str) -> bool:
    """Returns True for a camera, a pipeline or a stream: a target that names no file.

    Raises:
        UsageError: an address of a kind that is not known.
    """
    return kind_of(target) in ("camera", "stream")


def target_of(path: str | os.PathLike[str]) -> str:
    """Returns what `kind_of` takes: a text as it is; a path object is a file, also `Path("0")`."""
    if isinstance(path, str):
        return path
    text = os.fspath(path)
    return os.path.join(os.curdir, text) if is_address(text) else text  # noqa: PTH118 - keeps the dot


def open_source(
    target: str,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    timeout_s: float = 5.0,
    reconnects: int = 5,
) -> Source:
    """Returns the open source a target means; see `kind_of`.

    Args:
        target: camera index or device, GStreamer pipeline, URL, image, folder, pattern, video file.
        width: to request from a camera, px.
        height: to request from a camera, px.
        fps: to request from a camera, frames per second.
        timeout_s: longest wait for a frame of a camera or a stream, seconds.
        reconnects: how often in a row a lost stream is opened again.

    Raises:
        UsageError: an unknown kind of address, or a camera's options for something else.
        SourceOpenError: it cannot be opened; the text says why.
        BackendUnavailable: a GStreamer pipeline without GStreamer.
    """
    kind = kind_of(target)
    if kind != "camera" and (width, height, fps) != (None, None, None):
        raise UsageError(f"--width, --height and --fps are for cameras, and {target} is none")
    if kind == "camera":
        module = importlib.import_module(SOURCES[kind][0])
        mode = module.CameraMode(width=width, height=height, fps=fps)
        name = int(target) if target.isdigit() else target
        return _opened(kind, name, mode=mode, timeout_s=timeout_s)
    if kind == "stream":
        return _opened(kind, target, timeout_s=timeout_s, reconnects=reconnects)
    if kind == "images":
        return _opened(kind, expand_images([target]).files)
    return open_file(target)


def open_file(path: Path | str) -> Source:
    """Returns the open video file of that path, which may look like anything: `0` is a file here.

    Raises:
        SourceOpenError: it cannot be opened; the text says why.
    """
    return _opened("video", path)


def _opened(kind: str, *args: Any, **options: Any) -> Source:
    module, name = SOURCES[kind]
    source: Source = getattr(importlib.import_module(module), name)(*args, **options)
    return source


def _is_pipeline(target: str) -> bool:
    return "!" in target and not Path(target).exists()
