"""The backbone of an exported graph, whose precision is reduced: convolutions and what is between.

Decided by the place of a node, never by its name. The normalisation before the first convolution,
the head from the global pooling on, and everything that only the CAMs need stay float32. Called by
the converters to FP16 and INT8.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import onnx

from rtau.backends.tensors import LOGITS
from rtau.errors import ContractError

CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
# After the last convolution, the head begins with the first of these.
HEAD_STARTS = frozenset({"ReduceMean", "GlobalAveragePool", "Flatten", "Reshape", "Gemm", "MatMul"})


def name_nodes(proto: onnx.ModelProto) -> None:
    """Gives every node without a name of its own one: quantisers choose nodes by name."""
    seen: set[str] = set()
    for place, node in enumerate(proto.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_at_{place}"
        seen.add(node.name)


def backbone_places(graph: onnx.GraphProto) -> frozenset[int]:
    """Returns the places in `graph.node` of the nodes whose precision is reduced.

    Raises:
        ContractError: the graph has no convolution that `logits` depend on.
    """
    nodes = list(graph.node)
    makers = {output: place for place, node in enumerate(nodes) for output in node.output}
    before = [_places(makers, node.input) for node in nodes]
    after: dict[int, list[int]] = defaultdict(list)
    for place, earlier in enumerate(before):
        for one in earlier:
            after[one].append(place)
    feeds_logits = _closure(_places(makers, [LOGITS]), before)
    convolutions = [
        place
        for place, node in enumerate(nodes)
        if node.op_type in CONVOLUTIONS and place in feeds_logits
    ]
    if not convolutions:
        raise ContractError(f"no convolution leads to {LOGITS!r}: there is nothing to reduce")
    behind = _closure(convolutions, after) & feeds_logits
    ahead = _closure(convolutions, before)
    starts = [p for p in behind - ahead if nodes[p].op_type in HEAD_STARTS]
    return frozenset(behind - _closure(starts, after))


def _places(makers: dict[str, int], names: Iterable[str]) -> list[int]:
    return [makers[name] for name in names if name in makers]


def _closure(starts: list[int], steps: list[list[int]] | dict[int, list[int]]) -> set[int]:
    """Returns the starts and all that can be reached from them."""
    found, waiting = set(starts), list(starts)
    while waiting:
        reached = steps[waiting.pop()]
        waiting.extend(one for one in reached if one not in found)
        found.update(reached)
    return found
