"""ONNX files without the onnx package and without ONNX Runtime: their metadata, and a subgraph.

A Jetson that builds an engine and a desktop that runs OpenVINO may have neither library. The
backends and the engine builder of the export use it.
"""

from __future__ import annotations

from collections.abc import Iterable

from rtau.backends._protobuf import Field, fields, length_delimited, texts
from rtau.contract import METADATA_KEY, ModelContract
from rtau.errors import ContractError

# Field numbers of onnx.proto: ModelProto.metadata_props, StringStringEntryProto.key and .value,
# ModelProto.graph, GraphProto.node and .output, NodeProto.input, .output and .attribute,
# AttributeProto.g and .graphs, ValueInfoProto.name.
MODEL_METADATA, ENTRY_KEY, ENTRY_VALUE = 14, 1, 2
MODEL_GRAPH, GRAPH_NODE, GRAPH_OUTPUT = 7, 1, 12
NODE_INPUT, NODE_OUTPUT, NODE_ATTRIBUTE = 1, 2, 5
ATTRIBUTE_SUBGRAPHS = (6, 11)
VALUE_NAME = 1


def metadata(model: bytes) -> dict[str, str]:
    """Returns the metadata of a serialised ONNX model, key -> value.

    Raises:
        ContractError: the bytes are not protobuf, or end early.
    """
    entries = [
        payload for number, payload, _ in fields(memoryview(model)) if number == MODEL_METADATA
    ]
    return {"".join(texts(one, ENTRY_KEY)): "".join(texts(one, ENTRY_VALUE)) for one in entries}


def contract_in(model: bytes, /, *, origin: str) -> ModelContract:
    """Returns the contract in a serialised ONNX model; `origin` names the file in error messages.

    Raises:
        ContractError: it is no ONNX file, or has no valid contract.
    """
    try:
        text = metadata(model).get(METADATA_KEY)
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    if text is None:
        raise ContractError(
            f"{origin}: no rtau contract in the file's metadata (key {METADATA_KEY!r}); "
            "export the model with `rtau-export onnx`"
        )
    return ModelContract.from_json(text, origin=origin)


def names_of_outputs(model: bytes, /) -> tuple[str, ...]:
    """Returns the names of a serialised model's outputs, in order.

    Raises:
        ContractError: the bytes are not protobuf, or end early.
    """
    graphs = (one for number, one, _ in fields(memoryview(model)) if number == MODEL_GRAPH)
    return tuple(name for graph in graphs for name in _output_names(fields(graph)))


def keep_outputs(model: bytes, names: frozenset[str]) -> bytes:
    """Returns the model with only the named graph outputs and the nodes they need.

    ONNX Runtime executes every node of a graph, whichever outputs are fetched (its issue 27615): a
    model would compute CAMs with heatmaps off. A graph with subgraphs (If, Loop, Scan) keeps all
    nodes: these may use outer values that their input list does not show.

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
    present = _output_names(parts)
    if not names.issubset(present):
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
    """Returns for each node whether an output depends on it; nodes are in topological order."""
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


def _output_names(parts: Iterable[Field]) -> list[str]:
    """Returns the names of a graph's outputs, from its fields."""
    return [_name(payload) for number, payload, _ in parts if number == GRAPH_OUTPUT]


def _name(value_info: memoryview) -> str:
    return "".join(texts(value_info, VALUE_NAME))
