"""The last step of an mp4: from the fragmented file a run writes to one that streams well.

A fragmented mp4 plays at any moment of its life, even half written; players seek better in a plain
one with its index in front. Encodes nothing; used by the mp4 sink alone.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import BinaryIO

import av

BOX_HEADER_BYTES = 8
LONG_BOX_HEADER_BYTES = 16


def make_streamable(path: Path) -> str | None:
    """Returns None once `path` is a plain mp4 with its index in front, else why it is not.

    The packets are copied to a hidden file beside it, which then takes its place in one step: at
    any moment `path` is a whole, playable file.
    """
    if shutil.disk_usage(path.parent).free < path.stat().st_size:
        return "the disk has no room for a second copy"
    part = path.with_name(f".{path.name}.part")
    try:
        _copy_packets(path, part)
        part.replace(path)
    except (av.FFmpegError, OSError) as error:
        return error.strerror or str(error)
    finally:
        part.unlink(missing_ok=True)
    return None


def cut_to_whole_boxes(path: Path) -> bool:
    """Returns True if a fragment is left after a torn end was cut off the fragmented file."""
    fragments = False
    with path.open("r+b") as file:
        end = os.fstat(file.fileno()).st_size
        start = whole = 0
        moof = None
        while (box := _read_box(file, start)) is not None and start + box[1] <= end:
            kind, size = box
            start += size
            # A moof without the mdat behind it points at pictures that are not there.
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
    """Returns kind and size in bytes of the box at `start`; None where no whole header is."""
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
