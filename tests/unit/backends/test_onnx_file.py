import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.backends.onnx_file import keep_outputs, names_of_outputs
from rtau.errors import ContractError

onnx = pytest.importorskip("onnx", reason="builds its models with the onnx package")


def two_headed_model(extra_nodes=()):
    """x -> a -> logits, a -> b -> cams; b is of no use to logits."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["logits"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Relu", ["b"], ["cams"]),
        *extra_nodes,
    ]
    value = [
        helper.make_tensor_value_info(name, kind, ["N", 3]) for name in ("x", "logits", "cams")
    ]
    graph = helper.make_graph(nodes, "two-headed", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"rtau_contract": "{}"})
    return model


def test_only_what_the_output_needs_is_left():
    cut = onnx.load_from_string(
        keep_outputs(two_headed_model().SerializeToString(), frozenset({"logits"}))
    )

    onnx.checker.check_model(cut)
    assert [node.op_type for node in cut.graph.node] == ["Relu", "Neg"]
    assert [output.name for output in cut.graph.output] == ["logits"]
    assert cut.metadata_props[0].key == "rtau_contract"


def test_outputs_are_named_in_order():
    assert names_of_outputs(two_headed_model().SerializeToString()) == ("logits", "cams")


def test_keeping_everything_changes_nothing():
    model = two_headed_model()

    kept = onnx.load_from_string(
        keep_outputs(model.SerializeToString(), frozenset({"logits", "cams"}))
    )

    assert kept == model


def test_a_graph_with_a_subgraph_keeps_its_nodes():
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    branch = helper.make_graph(
        [helper.make_node("Neg", ["b"], ["branch_out"])],
        "uses b without listing it",
        [],
        [helper.make_tensor_value_info("branch_out", kind, ["N", 3])],
    )
    choose = helper.make_node("If", ["x"], ["chosen"], then_branch=branch, else_branch=branch)

    cut = onnx.load_from_string(
        keep_outputs(two_headed_model([choose]).SerializeToString(), frozenset({"logits"}))
    )

    assert len(cut.graph.node) == 5
    assert [output.name for output in cut.graph.output] == ["logits"]


def test_a_missing_output_is_named():
    with pytest.raises(ContractError, match="must have the outputs scores, got"):
        keep_outputs(two_headed_model().SerializeToString(), frozenset({"scores"}))


@given(cut_at=st.integers(1, 400), flipped=st.integers(0, 399), value=st.integers(0, 255))
def test_broken_bytes_raise_one_error_only(cut_at, flipped, value):
    model = bytearray(two_headed_model().SerializeToString())
    model[flipped % len(model)] = value

    for broken in (bytes(model), bytes(model[:cut_at])):
        try:
            keep_outputs(broken, frozenset({"logits"}))
        except ContractError:
            continue
