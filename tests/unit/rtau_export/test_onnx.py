import dataclasses

import pytest
import torch

from rtau.contract import METADATA_KEY, LandmarkRule, ModelContract
from rtau.errors import ContractError, UsageError
from rtau_export import onnx as exporter
from rtau_train.models import build
from rtau_train.models.checkpoint import Model
from tests.support.training import small_recipe

onnx = pytest.importorskip("onnx", reason="exports with the onnx package")
pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_onnx]

FLOAT, UINT8 = onnx.TensorProto.FLOAT, onnx.TensorProto.UINT8


@pytest.fixture
def model():
    recipe = small_recipe()
    torch.manual_seed(0)
    return Model(
        recipe=recipe,
        recipe_path="train/recipes/small.toml",
        epochs_done=0,
        thresholds=(0.123456,) * 12,
        cam_scale=(1.23456,) * 12,
        weights=build(recipe.network).state_dict(),
        is_dense=True,
    )


def graph_of(*operators, domain=""):
    names = ["crops", *(f"v{k}" for k in range(len(operators)))]
    nodes = [
        onnx.helper.make_node(kind, [before], [after], domain=domain)
        for kind, before, after in zip(operators, names, names[1:], strict=False)
    ]
    ends = [onnx.helper.make_tensor_value_info(names[k], FLOAT, ["N"]) for k in (0, -1)]
    graph = onnx.helper.make_graph(nodes, "test", ends[:1], ends[1:])
    imports = [onnx.helper.make_opsetid("", 18)]
    if domain:
        imports.append(onnx.helper.make_opsetid(domain, 1))
    return onnx.helper.make_model(graph, opset_imports=imports)


def test_ordinary_operators_pass():
    exporter.check_operators(graph_of("Cast", "Transpose", "Relu"))


@pytest.mark.parametrize(
    ("proto", "said"),
    [
        (graph_of("Transpose", "Cast"), "must begin with Cast, Transpose, got Transpose, Cast"),
        (graph_of("Cast", "Transpose", "Loop"), "ordinary ONNX operators only, got Loop"),
        (graph_of("Cast", "Transpose", "If", "Scan"), "only, got If, Scan"),
        (graph_of("Cast", "Transpose", domain="com.acme"), "only, got com.acme"),
    ],
)
def test_an_operator_that_devices_refuse_is_refused_here(proto, said):
    with pytest.raises(ContractError, match=said):
        exporter.check_operators(proto)


def test_the_contract_tells_what_the_checkpoint_knows(model):
    contract = exporter.contract_of(
        model, name="mine", cam_method="gradcam", crop=model.recipe.shipping.haar_crop
    )

    assert contract.labels == model.recipe.network.labels
    assert contract.weights_sha256 == model.weights_sha256()
    assert contract.thresholds == (0.1235,) * 12
    assert contract.cam_scale == (1.235,) * 12
    assert contract.cam_method == "gradcam"
    assert contract.recipe == "train/recipes/small.toml"
    assert ModelContract.from_json(contract.to_json(), origin="test") == contract


def test_without_cams_the_contract_has_none(model):
    contract = exporter.contract_of(
        model, name="mine", cam_method=None, crop=model.recipe.shipping.haar_crop
    )

    assert contract.cam_method is None
    assert contract.cam_scale is None


def test_landmarks_come_with_the_rule_of_the_canonical_square(model):
    crop = model.recipe.shipping.haar_crop
    contract = exporter.contract_of(model, name="mine", cam_method=None, crop=crop)

    rule = model.recipe.crop
    assert contract.landmarks == LandmarkRule(rule.side_over_landmark_box, rule.lift)
    without = exporter.contract_of(model, name="a", cam_method=None, crop=crop, landmarks=False)
    assert without.landmarks is None


@pytest.mark.parametrize("lacking", ["layer", "loss", "crop"])
def test_landmarks_nobody_taught_are_not_exported(model, lacking):
    recipe, crop = model.recipe, model.recipe.shipping.haar_crop
    fit = dataclasses.replace(recipe.fit, landmark_weight=0.0)
    network = dataclasses.replace(recipe.network, landmarks=False)
    changes = {
        "layer": {"network": network, "fit": fit},
        "loss": {"fit": fit},
        "crop": {"crop": None},
    }
    other = dataclasses.replace(model, recipe=dataclasses.replace(recipe, **changes[lacking]))

    assert exporter.contract_of(other, name="a", cam_method=None, crop=crop).landmarks is None


def test_grad_cam_plus_plus_has_its_own_scale(model):
    crop = model.recipe.shipping.haar_crop
    newer = dataclasses.replace(model, cam_plus_plus_scale=(7.0,) * 12)

    contract = exporter.contract_of(newer, name="mine", cam_method="gradcam++", crop=crop)

    assert contract.cam_method == "gradcam++"
    assert contract.cam_scale == (7.0,) * 12
    with pytest.raises(ContractError, match="no scale for gradcam\\+\\+; `rtau-train calibrate"):
        exporter.contract_of(model, name="mine", cam_method="gradcam++", crop=crop)


def test_a_softmax_network_has_no_thresholds(model):
    labels = ("anger", "neutral")
    network = dataclasses.replace(model.recipe.network, labels=labels, task="multi_class")
    emotions = dataclasses.replace(
        model, recipe=dataclasses.replace(model.recipe, network=network), cam_scale=(1.0, 1.0)
    )

    contract = exporter.contract_of(
        emotions, name="mine", cam_method="gradcam", crop=model.recipe.shipping.haar_crop
    )

    assert (contract.task, contract.labels, contract.thresholds) == ("multi_class", labels, (0, 0))
    assert "likeliest" in contract.thresholds_origin


def test_a_heatmap_too_coarse_to_mean_anything_is_refused(model, tmp_path):
    crop = model.recipe.shipping.haar_crop

    with pytest.raises(ContractError, match="7x7 cells or more, got 3x3 from crops of 48 px"):
        exporter.export(model, tmp_path / "a.onnx", cam_method="gradcam", crop=crop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["model.pb", "no/such/folder/model.onnx"])
def test_a_useless_output_path_is_refused_before_any_work(model, tmp_path, out):
    with pytest.raises(UsageError, match=r"--out must be NAME\.onnx in a folder that exists"):
        exporter.export(
            model, tmp_path / out, cam_method="gradcam", crop=model.recipe.shipping.haar_crop
        )


@pytest.mark.slow  # torch traces the network anew
def test_without_cams_the_file_has_logits_only(model):
    graph = exporter.FaceGraph(model.network(), cam_method=None)
    contract = exporter.contract_of(
        model, name="mine", cam_method=None, crop=model.recipe.shipping.haar_crop
    )

    proto = onnx.load_from_string(exporter.model_bytes(graph, contract))

    assert [entry.key for entry in proto.metadata_props] == [METADATA_KEY]
    assert [output.name for output in proto.graph.output] == ["logits"]
