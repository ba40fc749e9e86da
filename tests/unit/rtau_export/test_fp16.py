import numpy as np
import pytest

from rtau.errors import ContractError

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtau.backends.parity import probe_crops
from rtau_export import _fp16
from rtau_export._backbone import backbone_places, name_nodes
from tests.support.reduced import evaluate, kinds_outside, residual_model

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]


@pytest.fixture
def model():
    return onnx.load_from_string(residual_model())


def test_the_trunk_is_what_lies_between_the_normalisation_and_the_pooling(model):
    assert kinds_outside(model) == [
        *("Cast", "Transpose", "Sub", "Div"),
        *("ReduceMean", "Gemm", "Relu", "Gemm"),
        *("Greater", "Cast", "Unsqueeze", "Mul", "MatMul", "Reshape", "MatMul", "Relu", "Reshape"),
        *("Gemm", "Reshape"),  # the landmarks
    ]


def test_names_decide_nothing(model):
    named = backbone_places(model.graph)
    for node in model.graph.node:
        node.name = ""

    assert backbone_places(model.graph) == named
    name_nodes(model)
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


def test_a_pooling_before_the_last_convolution_is_part_of_the_backbone():
    model = onnx.load_from_string(residual_model(gate=True))

    inside = {model.graph.node[place].op_type for place in backbone_places(model.graph)}

    assert {"ReduceMean", "Sigmoid", "Mul"} <= inside
    assert kinds_outside(model).count("ReduceMean") == 1


def test_a_graph_without_convolutions_has_no_backbone():
    node = helper.make_node("Relu", ["crops"], ["logits"])
    graph = helper.make_graph([node], "test", [], [])

    with pytest.raises(ContractError, match="no convolution leads to 'logits'"):
        backbone_places(graph)


def test_the_trunk_computes_in_float16_and_all_else_as_before(model):
    halved = _fp16.halve(model)

    inferred = onnx.shape_inference.infer_shapes(halved, strict_mode=True).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.value_info}
    kinds |= {weight.name: weight.data_type for weight in inferred.initializer}
    inside, outside = set(), set()
    for node in inferred.node:
        if node.op_type == "Conv":
            inside.update(kinds[name] for name in (*node.input, *node.output))
        elif node.op_type in {"Sub", "ReduceMean", "Gemm", "Greater", "MatMul"}:
            outside.update(kinds[name] for name in node.input)
    assert inside == {TensorProto.FLOAT16}
    assert outside == {TensorProto.FLOAT, TensorProto.INT64}


def test_a_value_that_never_was_float16_is_not_rounded(model):
    """Between two float32 nodes there is no Cast: h > 0 sees what the hidden layer said."""
    halved = _fp16.halve(model)

    makers = {output: node.op_type for node in halved.graph.node for output in node.output}
    greater = next(node for node in halved.graph.node if node.op_type == "Greater")
    assert makers[greater.input[0]] == "Gemm"
    assert [node.op_type for node in halved.graph.node].count("Cast") == 2 + 2


def test_inputs_and_outputs_keep_their_types(model):
    halved = _fp16.halve(model)

    assert list(halved.graph.input) == list(model.graph.input)
    assert list(halved.graph.output) == list(model.graph.output)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_values_are_those_of_float32_within_half_precision(model, rows):
    crops = probe_crops(rows, size=32)

    wanted, got = evaluate(model, crops), evaluate(_fp16.halve(model), crops)

    for name in ("logits", "cams", "landmarks"):
        scale = np.abs(wanted[name]).max()
        assert 0 < np.abs(wanted[name] - got[name]).max() < 4e-3 * scale


def test_a_weight_used_on_both_sides_exists_twice(model):
    shared = next(node for node in model.graph.node if node.op_type == "Conv").input[2]
    bias = next(w for w in model.graph.initializer if w.name == shared)
    extra = helper.make_node("Mul", [shared, shared], ["unused"], name="outside")
    model.graph.node.append(extra)

    halved = {weight.name: weight for weight in _fp16.halve(model).graph.initializer}

    assert halved[shared].data_type == TensorProto.FLOAT
    np.testing.assert_allclose(
        numpy_helper.to_array(halved[f"{shared}_fp16"]), numpy_helper.to_array(bias), rtol=1e-3
    )


def test_a_weight_too_large_for_float16_is_refused(model):
    for weight in model.graph.initializer:
        if weight.name.startswith("conv"):
            large = numpy_helper.from_array(numpy_helper.to_array(weight) * 1e6, weight.name)
            weight.CopyFrom(large)

    with pytest.raises(ContractError, match="too large for FP16"):
        _fp16.halve(model)
