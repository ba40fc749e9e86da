"""FP16 of an exported graph: the backbone computes in float16, everything else as before.

The known converters round every value that passes between two nodes kept in float32, the CAM
branch's `h > 0` among them; here a Cast stands only where the backbone begins and ends. On a CPU an
FP16 file is for checks of accuracy, not for speed. Called by `rtau_export.precision`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtau.errors import ContractError
from rtau_export._backbone import backbone_places

HALF, SINGLE = TensorProto.FLOAT16, TensorProto.FLOAT


def halve(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Returns the model with its backbone in float16; inputs and outputs keep their types.

    Raises:
        ContractError: a weight lies outside float16, or an operator of the backbone has no float16.
    """
    typed = onnx.shape_inference.infer_shapes(proto, strict_mode=True)
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    del model.graph.node[:]
    del model.graph.initializer[:]
    del model.graph.value_info[:]
    halver = _Halver(typed.graph)
    model.graph.node.extend(halver.nodes())
    model.graph.initializer.extend(halver.initializers())
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ContractError(f"the graph has no FP16 form ({reason}); keep fp32") from None
    return model


class _Halver:
    """Rewrites one graph: its nodes with Casts where the backbone begins and ends."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._backbone = backbone_places(graph)
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._halved_weights: dict[str, TensorProto] = {}
        values = (*graph.input, *graph.value_info, *graph.output)
        kinds = {value.name: value.type.tensor_type.elem_type for value in values}
        self._singles = {name for name, kind in kinds.items() if kind == SINGLE}
        self._backbone_values = {
            name for place in self._backbone for name in graph.node[place].output
        } & self._singles
        self._used_outside = {output.name for output in graph.output}
        for place, node in enumerate(graph.node):
            if place not in self._backbone:
                self._used_outside.update(node.input)

    def nodes(self) -> Iterable[onnx.NodeProto]:
        """Yields the nodes of the new graph, in topological order."""
        entered: set[str] = set()
        for place, old in enumerate(self._graph.node):
            node = onnx.NodeProto()
            node.CopyFrom(old)
            if place not in self._backbone:
                yield node
                continue
            for index, name in enumerate(old.input):
                node.input[index] = self._halved(name)
                if self._enters(name) and name not in entered:
                    entered.add(name)
                    yield _cast(name, self._halved(name), to=HALF)
            yield from self._backbone_node(node)

    def initializers(self) -> Iterable[TensorProto]:
        """Yields the weights that the new graph uses; call it after `nodes`."""
        yield from self._halved_weights.values()
        for name, tensor in self._weights.items():
            if name in self._used_outside or tensor.data_type != SINGLE:
                yield tensor

    def _backbone_node(self, node: onnx.NodeProto) -> Iterable[onnx.NodeProto]:
        """Yields a node of the backbone, and a Cast of each output that is used outside."""
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == SINGLE:
                attribute.i = HALF
        leaving = []
        for index, name in enumerate(node.output):
            node.output[index] = self._halved(name)
            if name in self._backbone_values and name in self._used_outside:
                leaving.append(_cast(self._halved(name), name, to=SINGLE))
        yield node
        yield from leaving

    def _enters(self, name: str) -> bool:
        """True for a float32 value that the backbone takes from outside and that is no weight."""
        return (
            name in self._singles
            and name not in self._backbone_values
            and name not in self._weights
        )

    def _halved(self, name: str) -> str:
        """Returns the name of a value's float16 form; the name itself if it has none."""
        tensor = self._weights.get(name)
        if tensor is not None and tensor.data_type == SINGLE:
            halved = f"{name}_fp16"
            if name not in self._halved_weights:
                self._halved_weights[name] = _half_tensor(tensor, halved)
            return halved
        return f"{name}_fp16" if name in self._singles else name


def _cast(source: str, target: str, *, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"cast_{target}", to=to)


def _half_tensor(tensor: TensorProto, name: str) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0))
    if largest > float(np.finfo(np.float16).max):
        raise ContractError(f"weight {tensor.name} has {largest:.3g}, too large for FP16")
    return numpy_helper.from_array(values.astype(np.float16), name)
