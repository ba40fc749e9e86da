"""Remuxes the fragmented mp4 of a run to a plain one with its index in front.

A fragmented mp4 plays even when it is half written; players seek better in a plain one.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import BinaryIO

import av

from rtau.replacing import beside

BOX_HEADER_BYTES = 8
LONG_BOX_HEADER_BYTES = 16


def make_streamable(path: Path) -> str | None:
    """Makes `path` a plain mp4 with its index in front; returns None, or why it could not.

    The packets are copied to a hidden file beside it, which then replaces it atomically: `path` is
    playable at any moment.
    """
    if shutil.disk_usage(path.parent).free < path.stat().st_size:
        return "the disk has no room for a second copy"
    part = beside(path, f"{path.suffix}.part", hidden=True)
    try:
        _copy_packets(path, part)
        part.replace(path)
    except (av.FFmpegError, OSError) as error:
        return error.strerror or str(error)
    finally:
        part.unlink(missing_ok=True)
    return None


def truncate_to_whole_boxes(path: Path) -> bool:
    """Truncates a fragmented mp4 to its complete boxes; returns True if a fragment remains."""
    fragments = False
    with path.open("r+b") as file:
        end = os.fstat(file.fileno()).st_size
        start = whole = 0
        moof = None
        while (box := _read_box(file, start)) is not None and start + box[1] <= end:
            kind, size = box
            start += size
            # A moof box without its mdat box refers to pictures that are missing.
            if kind == b"moof":
                moof = start - size
                continue
            fragments = fragments or (kind == b"mdat" and moof is not None)
            moof, whole = None, start
        file.truncate(whole)
    return fragments


def _copy_packets(fragmented: Path, plain: Path) -> None:
    with (
        av.open(str(fragmented)) as source,
        av.open(
            str(plain), "w", format="mp4", container_options={"movflags": "faststart"}
        ) as output,
    ):
        streams = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is None:
                continue  # the empty packet that flushes a decoder at the end
            packet.stream = streams[packet.stream_index]
            output.mux(packet)


def _read_box(file: BinaryIO, start: int) -> tuple[bytes, int] | None:
    """Returns type and size in bytes of the box at `start`; None without a complete header."""
    file.seek(start)
    header = file.read(BOX_HEADER_BYTES)
    if len(header) < BOX_HEADER_BYTES:
        return None
    size, kind = struct.unpack(">I4s", header)
    if size == 1:  # the size did not fit and follows in 64 bits
        long_size = file.read(LONG_BOX_HEADER_BYTES - BOX_HEADER_BYTES)
        if len(long_size) < LONG_BOX_HEADER_BYTES - BOX_HEADER_BYTES:
            return None
        (size,) = struct.unpack(">Q", long_size)
    return (kind, size) if size >= BOX_HEADER_BYTES else None
