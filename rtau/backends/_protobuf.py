"""Protobuf's wire format: reads and writes the fields of a message, for `onnx_file`."""

from __future__ import annotations

from collections.abc import Iterator

from rtau.errors import ContractError

# Wire types: varint, 64 bit, length-delimited, 32 bit.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, memoryview, memoryview]  # number, payload, the whole field


def fields(message: memoryview) -> Iterator[Field]:
    """Yields the fields of a message in order, without copying.

    Raises:
        ContractError: the bytes are not protobuf, or end early.
    """
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            _, end = _varint(message, at)
        elif wire == BYTES:
            size, at = _varint(message, at)
            end = at + size
        elif wire in (FIXED64, FIXED32):
            end = at + (8 if wire == FIXED64 else 4)
        else:
            raise ContractError(f"not an ONNX file: wire type {wire} at byte {start}")
        if end > len(message):
            raise ContractError(f"not an ONNX file, or cut short: field {number} at byte {start}")
        yield number, message[at:end], message[start:end]
        at = end


def texts(message: memoryview, number: int) -> list[str]:
    """Returns the text fields with a number, in order."""
    return [
        str(payload, "utf-8", "replace") for found, payload, _ in fields(message) if found == number
    ]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Returns a base-128 number and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ContractError(f"not an ONNX file: bad number before byte {at}")


def length_delimited(number: int, payload: bytes) -> bytes:
    """Returns a length-delimited field."""
    return _encoded(number << 3 | BYTES) + _encoded(len(payload)) + payload


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
