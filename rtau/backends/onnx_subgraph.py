"""Cuts an ONNX file down to the nodes that some of its outputs need.

ONNX Runtime executes every node of a graph, whichever outputs are fetched (its issue 27615), so a
model with CAMs would pay for them with heatmaps off. This reads the protobuf wire format itself:
the runtime does not depend on the `onnx` package. Called by `backends/onnx.py` only.
"""

from __future__ import annotations

from collections.abc import Iterator

from rtau.errors import ContractError

# Field numbers of onnx.proto: ModelProto.graph, GraphProto.node and .output, NodeProto.input,
# .output and .attribute, AttributeProto.g and .graphs, ValueInfoProto.name.
MODEL_GRAPH, GRAPH_NODE, GRAPH_OUTPUT = 7, 1, 12
NODE_INPUT, NODE_OUTPUT, NODE_ATTRIBUTE = 1, 2, 5
ATTRIBUTE_SUBGRAPHS = (6, 11)
VALUE_NAME = 1

# Wire types of protobuf: varint, 64 bit, length-delimited, 32 bit.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

Field = tuple[int, memoryview, memoryview]  # number, payload, the whole field as it stands


def keep_outputs(model: bytes, names: frozenset[str]) -> bytes:
    """Returns the model with only the named graph outputs and the nodes they need.

    A graph with subgraphs (If, Loop, Scan) is returned whole but for its outputs: such nodes may
    use outer values that their input list does not show.

    Raises:
        ContractError: the bytes are not protobuf, or an output is missing.
    """
    parts = []
    for number, payload, whole in _fields(memoryview(model)):
        parts.append(
            _field(MODEL_GRAPH, _cut_graph(payload, names)) if number == MODEL_GRAPH else whole
        )
    return b"".join(parts)


def _cut_graph(graph: memoryview, names: frozenset[str]) -> bytes:
    fields = list(_fields(graph))
    present = {_name(payload) for number, payload, _ in fields if number == GRAPH_OUTPUT}
    if not names <= present:
        raise ContractError(
            f"model must have the outputs {', '.join(sorted(names))}, got {', '.join(present)}"
        )
    nodes = [payload for number, payload, _ in fields if number == GRAPH_NODE]
    needed = iter(_needed(nodes, names))
    kept = []
    for number, payload, whole in fields:
        if number == GRAPH_NODE and not next(needed):
            continue
        if number == GRAPH_OUTPUT and _name(payload) not in names:
            continue
        kept.append(whole)
    return b"".join(kept)


def _needed(nodes: list[memoryview], names: frozenset[str]) -> list[bool]:
    """Returns for each node whether an output depends on it; nodes stand in topological order."""
    if any(_has_subgraph(node) for node in nodes):
        return [True] * len(nodes)
    wanted = set(names)
    needed = []
    for node in reversed(nodes):
        inputs, outputs = _texts(node, NODE_INPUT), _texts(node, NODE_OUTPUT)
        used = not wanted.isdisjoint(outputs)
        needed.append(used)
        if used:
            wanted.update(inputs)
    return needed[::-1]


def _has_subgraph(node: memoryview) -> bool:
    return any(
        number in ATTRIBUTE_SUBGRAPHS
        for field, attribute, _ in _fields(node)
        if field == NODE_ATTRIBUTE
        for number, _, _ in _fields(attribute)
    )


def _texts(message: memoryview, field: int) -> list[str]:
    return [
        str(payload, "utf-8", "replace")
        for number, payload, _ in _fields(message)
        if number == field
    ]


def _name(value_info: memoryview) -> str:
    return "".join(_texts(value_info, VALUE_NAME))


def _fields(message: memoryview) -> Iterator[Field]:
    """Yields the fields of a protobuf message in order, without copying."""
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


def _field(number: int, payload: bytes) -> bytes:
    """Returns a length-delimited field."""
    return _encoded(number << 3 | BYTES) + _encoded(len(payload)) + payload


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
