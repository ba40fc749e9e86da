"""Cuts an ONNX file down to the nodes that some of its outputs need.

ONNX Runtime executes every node of a graph, whichever outputs are fetched (its issue 27615), so a
model with CAMs would pay for them with heatmaps off. Works on the protobuf wire format: the runtime
does not depend on the `onnx` package. Called by `backends/onnx.py` and by the engine builder.
"""

from __future__ import annotations

from rtau.backends._protobuf import fields, length_delimited, texts
from rtau.errors import ContractError

# Field numbers of onnx.proto: ModelProto.graph, GraphProto.node and .output, NodeProto.input,
# .output and .attribute, AttributeProto.g and .graphs, ValueInfoProto.name.
MODEL_GRAPH, GRAPH_NODE, GRAPH_OUTPUT = 7, 1, 12
NODE_INPUT, NODE_OUTPUT, NODE_ATTRIBUTE = 1, 2, 5
ATTRIBUTE_SUBGRAPHS = (6, 11)
VALUE_NAME = 1


def keep_outputs(model: bytes, names: frozenset[str]) -> bytes:
    """Returns the model with only the named graph outputs and the nodes they need.

    A graph with subgraphs (If, Loop, Scan) is returned whole but for its outputs: such nodes may
    use outer values that their input list does not show.

    Raises:
        ContractError: the bytes are not protobuf, or an output is missing.
    """
    parts = []
    for number, payload, whole in fields(memoryview(model)):
        parts.append(
            length_delimited(MODEL_GRAPH, _cut_graph(payload, names))
            if number == MODEL_GRAPH
            else whole
        )
    return b"".join(parts)


def _cut_graph(graph: memoryview, names: frozenset[str]) -> bytes:
    parts = list(fields(graph))
    present = {_name(payload) for number, payload, _ in parts if number == GRAPH_OUTPUT}
    if not names <= present:
        raise ContractError(
            f"model must have the outputs {', '.join(sorted(names))}, got {', '.join(present)}"
        )
    nodes = [payload for number, payload, _ in parts if number == GRAPH_NODE]
    needed = iter(_needed(nodes, names))
    kept = []
    for number, payload, whole in parts:
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
        inputs, outputs = texts(node, NODE_INPUT), texts(node, NODE_OUTPUT)
        used = not wanted.isdisjoint(outputs)
        needed.append(used)
        if used:
            wanted.update(inputs)
    return needed[::-1]


def _has_subgraph(node: memoryview) -> bool:
    return any(
        number in ATTRIBUTE_SUBGRAPHS
        for field, attribute, _ in fields(node)
        if field == NODE_ATTRIBUTE
        for number, _, _ in fields(attribute)
    )


def _name(value_info: memoryview) -> str:
    return "".join(texts(value_info, VALUE_NAME))
