from collections import Counter

import numpy as np
import pytest

from rtau.errors import ContractError

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx
from onnx import numpy_helper

from rtau.backends.parity import probe_crops
from rtau_export import int8
from rtau_export._rounding import feedback_of
from rtau_export._second_moments import patch_second_moments
from tests.support.reduced import evaluate, kinds_outside, residual_model

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

FITTING = probe_crops(24, size=32)
Q, DQ = "QuantizeLinear", "DequantizeLinear"


@pytest.fixture(scope="module")
def model():
    return onnx.load_from_string(residual_model())


@pytest.fixture(scope="module", params=["cpu", "trt"])
def profile(request):
    return request.param


@pytest.fixture(scope="module")
def reduced(model, profile):
    return int8.quantise(model, FITTING, profile=profile, ranges="minmax")


def makers(graph):
    return {output: node for node in graph.node for output in node.output}


def weights(graph):
    return {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}


def test_every_convolution_reads_eight_bits(reduced):
    made, stored = makers(reduced.graph), weights(reduced.graph)

    for conv in (node for node in reduced.graph.node if node.op_type == "Conv"):
        assert made[conv.input[0]].op_type == DQ
        weight = made[conv.input[1]]
        assert weight.op_type == DQ
        assert stored[weight.input[0]].dtype == np.int8
        assert stored[weight.input[1]].shape == (8,), "a scale per channel"


def test_normalisation_head_and_cams_stay_float(model, reduced):
    made = makers(reduced.graph)
    outside = Counter(kinds_outside(model))

    assert not {kind for kind in (Q, DQ) if kind in outside}
    kept = [node for node in reduced.graph.node if node.op_type in outside]
    for node in kept:
        if node.op_type in {"Gemm", "Greater", "MatMul", "Sub", "Div", "Mul", "Unsqueeze"}:
            assert {made[name].op_type for name in node.input if name in made} <= set(outside)
    assert Counter(node.op_type for node in kept if node.op_type in {"Gemm", "MatMul"}) == {
        "Gemm": 3,
        "MatMul": 2,
    }


def test_inputs_outputs_and_operators_stay_public(model, reduced):
    assert list(reduced.graph.input) == list(model.graph.input)
    assert list(reduced.graph.output) == list(model.graph.output)
    assert {entry.domain for entry in reduced.opset_import} == {""}
    assert reduced.opset_import[0].version == 18
    onnx.checker.check_model(reduced, full_check=True)


def test_the_values_are_near_those_of_float32(model, reduced):
    crops = probe_crops(6, size=32, seed=5)

    wanted, got = evaluate(model, crops), evaluate(reduced, crops)

    scale = np.abs(wanted["logits"]).max()
    assert 0 < np.abs(wanted["logits"] - got["logits"]).max() < 0.1 * scale
    assert np.corrcoef(wanted["cams"].ravel(), got["cams"].ravel())[0, 1] > 0.95


def test_for_tensorrt_zero_points_are_zero_and_biases_float(model):
    reduced = int8.quantise(model, FITTING, profile="trt", ranges="minmax").graph
    stored = weights(reduced)

    pairs = [node for node in reduced.node if node.op_type in {Q, DQ}]
    assert pairs
    for node in pairs:
        zero = stored[node.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    for conv in (node for node in reduced.node if node.op_type == "Conv"):
        assert stored[conv.input[2]].dtype == np.float32


def test_for_tensorrt_a_sum_takes_one_branch_from_its_convolution(model):
    reduced = int8.quantise(model, FITTING, profile="trt", ranges="minmax").graph
    made = makers(reduced)

    (add,) = (node for node in reduced.node if node.op_type == "Add")
    assert sorted(made[name].op_type for name in add.input) == ["Conv", DQ]
    used = {name for node in reduced.node for name in node.input}
    assert all(node.output[0] in used for node in reduced.node if node.op_type in {Q, DQ})


def test_for_a_cpu_activations_are_unsigned_and_the_sum_is_of_integers(model):
    reduced = int8.quantise(model, FITTING, profile="cpu", ranges="minmax").graph
    made, stored = makers(reduced), weights(reduced)

    (add,) = (node for node in reduced.node if node.op_type == "Add")
    assert {made[name].op_type for name in add.input} == {DQ}
    activations = [node for node in reduced.node if node.op_type == Q]
    assert {stored[node.input[2]].dtype for node in activations} == {np.dtype(np.uint8)}


@pytest.mark.parametrize("ranges", ["percentile", "entropy"])
def test_every_way_to_take_ranges_works_in_silence(model, ranges, capfd, caplog):
    reduced = int8.quantise(model, FITTING, profile="trt", ranges=ranges)

    assert any(node.op_type == Q for node in reduced.graph.node)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_the_same_pictures_give_the_same_file(model):
    first, again = (
        int8.quantise(model, FITTING, profile="cpu", ranges="minmax").SerializeToString()
        for _ in range(2)
    )

    assert first == again


def test_the_model_handed_in_is_left_alone(model):
    before = model.SerializeToString()

    int8.quantise(model, FITTING[:3], profile="cpu", ranges="minmax")

    assert model.SerializeToString() == before


def test_a_graph_without_convolutions_is_refused():
    model = onnx.ModelProto()

    with pytest.raises(ContractError, match="there is nothing to reduce"):
        int8.quantise(model, FITTING, profile="cpu", ranges="minmax")


@pytest.mark.needs_tensorrt_rtx
@pytest.mark.parametrize("gate", [False, True])
def test_tensorrt_parses_what_is_made_for_it(gate):
    tensorrt = pytest.importorskip("tensorrt_rtx")
    model = onnx.load_from_string(residual_model(gate=gate))
    reduced = int8.quantise(model, FITTING, profile="trt", ranges="minmax")
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network(0)
    parser = tensorrt.OnnxParser(network, logger)

    parsed = parser.parse(reduced.SerializeToString())

    assert parsed, [str(parser.get_error(k)) for k in range(parser.num_errors)]
    assert [network.get_output(k).name for k in range(2)] == ["logits", "cams"]


def test_for_cpus_weights_keep_to_seven_bits(model):
    """With eight, a CPU without VNNI saturates; TensorRT does not, and keeps all of them."""
    largest = {}
    for profile in ("cpu", "trt"):
        reduced = int8.quantise(model, FITTING, profile=profile, ranges="minmax").graph
        stored, made = weights(reduced), makers(reduced)
        convolutions = [node for node in reduced.node if node.op_type == "Conv"]
        names = [made[conv.input[1]].input[0] for conv in convolutions]
        largest[profile] = max(int(np.abs(stored[name].astype(int)).max()) for name in names)

    assert largest == {"cpu": 64, "trt": 127}


@pytest.fixture(scope="module")
def deepened():
    """A model whose inner convolutions are near the identity, as those added to a network are."""
    model, random = onnx.load_from_string(residual_model()), np.random.default_rng(4)
    for tensor in model.graph.initializer:
        if tensor.name in {"conv2_w", "conv3_w"}:
            weights = random.uniform(-0.002, 0.006, (8, 8, 3, 3)).astype(np.float32)
            weights[np.arange(8), np.arange(8), 1, 1] = 1
            tensor.CopyFrom(numpy_helper.from_array(weights, tensor.name))
    return model


def with_feedback(model, profile):
    feedback = {
        name: feedback_of(found) for name, found in patch_second_moments(model, FITTING).items()
    }
    return int8.quantise(model, FITTING, profile=profile, ranges="minmax", feedback=feedback)


def test_feedback_keeps_filters_near_the_identity(deepened, profile):
    crops = probe_crops(6, size=32, seed=5)
    plain = int8.quantise(deepened, FITTING, profile=profile, ranges="minmax")

    wanted = evaluate(deepened, crops)["logits"]
    errors = [
        np.abs(evaluate(reduced, crops)["logits"] - wanted).mean()
        for reduced in (with_feedback(deepened, profile), plain)
    ]

    assert errors[0] < 0.25 * errors[1]


def test_feedback_changes_integers_only(deepened, profile):
    plain = int8.quantise(deepened, FITTING, profile=profile, ranges="minmax")
    reduced = with_feedback(deepened, profile)

    assert list(reduced.graph.node) == list(plain.graph.node)
    before, after = weights(plain.graph), weights(reduced.graph)
    assert before.keys() == after.keys()
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert {"conv2_w_quantized", "conv3_w_quantized"} <= changed
    assert all(before[name].dtype == np.int8 and before[name].ndim == 4 for name in changed)
    most = 64 if profile == "cpu" else 127
    assert max(int(np.abs(after[name].astype(int)).max()) for name in changed) <= most


def test_weights_without_feedback_go_to_the_nearest(deepened, profile):
    plain, empty = (
        int8.quantise(deepened, FITTING, profile=profile, ranges="minmax", feedback=feedback)
        for feedback in (None, {})
    )

    assert plain == empty
