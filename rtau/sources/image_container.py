"""What an image file holds besides the pixels of its first picture: its end, more pictures, a turn.

Walks the blocks of a file and decodes no pixel; whatever is malformed ends the walk. Called by the
image source, and by `rtau video` to tell an animation from a picture.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from rtau.sources.orientation import Orientation

JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
# In the pixels of a JPEG 0xff is followed by zero or a restart marker (ITU-T T.81, B.1.1.5): what
# matches is the next segment, or the end.
_JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", b"\xff\xda"
# JPEG pictures behind the first one that are a part of it: gain maps of HDR photographs.
_GAIN_MAP = (b"hdrgm:", b"urn:iso:std:iso:ts:21496")

# Tags of a TIFF (TIFF 6.0): what kind of picture a directory describes.
_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
# A smaller copy, and a mask, are no pages.
_REDUCED_OR_MASK = 0b101
# More pages than any scan has: a chain that is longer is a ring.
_MOST_PAGES = 100_000

Box = tuple[bytes, bytes]  # type, content


def is_cut_off(raw: bytes) -> bool:
    """Returns True for a JPEG or a PNG without its end, which some decoders fill with grey."""
    if raw.startswith(JPEG_START):
        # Damaged pixels may hold what looks like a segment; then the last marker decides.
        return _jpeg_end(raw) is None and raw.rfind(_JPEG_END) <= raw.rfind(_JPEG_SCAN)
    if raw.startswith(PNG_START):
        return not any(kind == b"IEND" for kind, _ in _png_chunks(raw))
    return False


def more_pictures(raw: bytes) -> str:
    """Returns what a file holds besides its first picture, such as `3 pages`; empty for nothing."""
    if raw.startswith(JPEG_START):
        return _behind_jpeg(raw)
    if raw[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        pages = _tiff_pages(raw)
        return f"{pages} pages" if pages > 1 else ""
    pictures = animation_length(raw)
    return f"an animation of {pictures} pictures" if pictures > 1 else ""


def animation_length(raw: bytes) -> int:
    """Returns the number of pictures of an animated PNG, WebP, AVIF or GIF; 1 for any other."""
    if raw.startswith(PNG_START):
        for kind, content in _png_chunks(raw):
            if kind == b"acTL" and len(content) == 8:
                return int.from_bytes(content[:4], "big")
            if kind == b"IDAT":  # a still one
                break
    elif raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        return sum(kind == b"ANMF" for kind, _ in _riff_chunks(raw)) or 1
    elif raw.startswith(b"GIF8"):
        return _gif_pictures(raw)
    elif raw[4:8] == b"ftyp":
        return _samples(raw)
    return 1


def stored_orientation(raw: bytes) -> Orientation | None:
    """Returns how an AVIF or HEIF picture is to be turned; None where the file does not say.

    The properties `irot` and `imir` of the primary item are meant (ISO/IEC 23008-12, 6.5.10 and
    6.5.12), applied in their order. OpenCV's decoder applies neither.
    """
    if raw[4:8] != b"ftyp":
        return None
    properties = _primary_properties(raw)
    turns = [_turn(kind, content) for kind, content in properties if content]
    known = [turn for turn in turns if turn is not None]
    if not known:
        return None
    whole = known[0]
    for turn in known[1:]:
        whole = whole.then(turn)
    return whole


def _jpeg_end(raw: bytes) -> int | None:
    """Returns the offset behind the end marker of the first picture; None if there is none."""
    at = len(JPEG_START)
    while (marker := _JPEG_MARKER.search(raw, at)) is not None:
        at = marker.end()
        if marker[0] == _JPEG_END:
            return at
        size = int.from_bytes(raw[at : at + 2], "big")
        # Pixels follow the header of a scan; in any other segment bytes mean no marker.
        at += max(size, 2)
    return None


def _behind_jpeg(raw: bytes) -> str:
    end = _jpeg_end(raw)
    behind = b"" if end is None else raw[end:]
    if b"ftyp" in behind:
        return "the video of a motion photo"
    if behind.startswith(JPEG_START) and not any(name in raw for name in _GAIN_MAP):
        return "another picture"
    return ""


def _png_chunks(raw: bytes) -> Iterator[Box]:
    at = len(PNG_START)
    while at + 12 <= len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        if at + 12 + size > len(raw):
            return
        kind = raw[at + 4 : at + 8]
        yield kind, raw[at + 8 : at + 8 + size] if size <= 64 else b""
        if kind == b"IEND":
            return
        at += 12 + size


def _riff_chunks(raw: bytes) -> Iterator[Box]:
    at = 12
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        yield raw[at : at + 4], b""
        at += 8 + size + size % 2


def _gif_pictures(raw: bytes) -> int:
    """Returns the number of image blocks of a GIF (its specification 89a, appendix B)."""

    def colours(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    pictures, at = 0, 13 + colours(raw[10]) if len(raw) > 10 else 13
    while at < len(raw):
        kind = raw[at]
        if kind == 0x21:  # extension: a label, then blocks
            at += 2
        elif kind == 0x2C and at + 10 < len(raw):
            pictures += 1
            at += 11 + colours(raw[at + 9])
        else:
            break
        while at < len(raw) and raw[at]:
            at += raw[at] + 1
        at += 1
    return max(pictures, 1)


def _tiff_pages(raw: bytes) -> int:
    """Returns the number of directories of a TIFF that are pages, not smaller copies or masks."""
    order = "<" if raw[:1] == b"I" else ">"
    is_big = raw[2:4] in (b"+\0", b"\0+")
    offset, count, size = ("Q", "Q", 20) if is_big else ("I", "H", 12)
    pages = 0
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(order + offset, raw, 8 if is_big else 4)
        while at and at not in seen and len(seen) < _MOST_PAGES:
            seen.add(at)
            (entries,) = struct.unpack_from(order + count, raw, at)
            at += struct.calcsize(count)
            pages += _is_page(raw[at : at + entries * size], size, order)
            (at,) = struct.unpack_from(order + offset, raw, at + entries * size)
    except struct.error:  # cut off: what is there counts
        pass
    return pages


def _is_page(directory: bytes, size: int, order: str) -> bool:
    for at in range(0, len(directory) - size + 1, size):
        tag, kind = struct.unpack_from(order + "HH", directory, at)
        (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), directory, at + size - 4)
        if size == 20:  # BigTIFF: the value stands in the first of eight bytes
            (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), directory, at + 12)
        if tag == _NEW_SUBFILE_TYPE and value & _REDUCED_OR_MASK:
            return False
        if tag == _SUBFILE_TYPE and value == 2:
            return False
    return True


def _boxes(raw: bytes) -> Iterator[Box]:
    """Yields the boxes of an ISO base media file (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(raw):
        size, head = int.from_bytes(raw[at : at + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(raw[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(raw) - at
        if size < head:
            return
        yield raw[at + 4 : at + 8], raw[at + head : at + size]
        at += size


def _inside(raw: bytes, *path: bytes) -> bytes:
    """Returns the content of the first box on a path of types; empty if there is none."""
    for kind in path:
        raw = next((content for found, content in _boxes(raw) if found == kind), b"")
        raw = raw[4:] if kind == b"meta" else raw  # version and flags
    return raw


def _samples(raw: bytes) -> int:
    """Returns the samples of the first track of an image sequence."""
    table = _inside(raw, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz")
    return max(int.from_bytes(table[8:12], "big"), 1)


def _primary_properties(raw: bytes) -> list[Box]:
    """Returns the properties of the primary item of a HEIF file, in their order."""
    meta = _inside(raw, b"meta")
    primary = _inside(meta, b"pitm")
    item = int.from_bytes(primary[4:8] if primary[:1] == b"\1" else primary[4:6], "big")
    properties = list(_boxes(_inside(meta, b"iprp", b"ipco")))
    indices = _associations(_inside(meta, b"iprp", b"ipma")).get(item, [])
    return [properties[index - 1] for index in indices if 0 < index <= len(properties)]


def _associations(box: bytes) -> dict[int, list[int]]:
    """Returns the properties of each item, numbered from 1 (ISO/IEC 23008-12, 9.3.1)."""
    found: dict[int, list[int]] = {}
    wide_item, wide_index = bool(box[:1] > b"\0"), bool(box[3:4] and box[3] & 1)
    item_size, index_size = (4 if wide_item else 2), (2 if wide_index else 1)
    at = 8
    for _ in range(int.from_bytes(box[4:8], "big")):
        if at + item_size >= len(box):
            break
        item = int.from_bytes(box[at : at + item_size], "big")
        count, at = box[at + item_size], at + item_size + 1
        block = box[at : at + count * index_size]
        essential = 0x7FFF if wide_index else 0x7F
        found[item] = [
            int.from_bytes(block[k : k + index_size], "big") & essential
            for k in range(0, len(block), index_size)
        ]
        at += count * index_size
    return found


def _turn(kind: bytes, content: bytes) -> Orientation | None:
    if kind == b"irot":
        return _COUNTER_CLOCKWISE[content[0] & 3]
    if kind == b"imir":  # 0: top and bottom are exchanged; 1: left and right
        return Orientation.MIRRORED if content[0] & 1 else Orientation.FLIPPED
    return None


_COUNTER_CLOCKWISE = (
    Orientation.STORED,
    Orientation.COUNTER_CLOCKWISE,
    Orientation.HALF_TURN,
    Orientation.CLOCKWISE,
)
