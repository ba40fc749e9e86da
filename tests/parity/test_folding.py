"""VGG19 trained with batch norms against the plain VGG19 it is exported as."""

import dataclasses

import onnx
import pytest
import torch
from onnx import numpy_helper

from rtau.backends.parity import difference, probe_crops
from rtau.contract import METADATA_KEY, ModelContract, read_sidecar
from rtau_export import onnx as exporter
from rtau_export import verify
from rtau_export.graph import FaceGraph
from rtau_train.models import NETWORKS, build
from rtau_train.models.folding import exported_as, folded
from tests.parity.networks import random_model

METHODS = ("gradcam", "gradcam++")
BATCH_NORM = torch.nn.BatchNorm2d


@pytest.fixture(scope="module")
def model():
    """A checkpoint whose batch norms do something: scales of both signs, and shifts."""
    model = random_model("vgg19_bn")
    net = build(model.recipe.network)
    net.load_state_dict(model.weights)
    torch.manual_seed(21)
    with torch.no_grad():
        for layer in net.body.modules():
            if isinstance(layer, BATCH_NORM):
                layer.weight.normal_(1, 0.5)
                layer.bias.normal_(0.2, 0.2)
    return dataclasses.replace(model, weights=net.state_dict())


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The file of that checkpoint, and the graphs it was compared with before it was written."""
    out = tmp_path_factory.mktemp("folded") / "vgg19-au12.onnx"
    proved = []
    real = exporter.measured_parity

    def measure(graph, file):
        proved.append(graph)
        return real(graph, file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "PARITY_BATCHES", (1, 2))
        patch.setattr(exporter, "measured_parity", measure)
        crop = model.recipe.shipping.haar_crop
        exporter.export(model, out, cam_method="gradcam++", crop=crop)
    return out, proved


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pooling", ["average", "max"])
def test_in_float64_logits_and_heatmaps_are_the_same(model, pooling, method):
    net = model.network().double()
    net.pooling.kind = pooling
    crops = torch.from_numpy(probe_crops(2, size=64))

    with torch.inference_mode():
        wanted = FaceGraph(net, cam_method=method)(crops)
        got = FaceGraph(folded(net), cam_method=method)(crops)

    assert wanted[1].max() > 0
    for one, other in zip(got, wanted, strict=True):
        assert (one - other).abs().max() < 1e-9 * max(1.0, float(other.abs().max()))


@pytest.mark.parametrize("method", METHODS)
def test_in_float32_they_agree_as_a_file_must_with_torch(model, method):
    crop = model.recipe.shipping.haar_crop
    contract = exporter.contract_of(model, name="mine", cam_method=method, crop=crop)
    images = probe_crops(3, size=112)
    trained = model.network()

    wanted, got = (
        exporter.torch_scores(FaceGraph(net, cam_method=method), images, contract=contract)
        for net in (trained, folded(trained))
    )

    found = difference(wanted, got, contract)
    assert verify.FP32.covers(found), found


def test_what_is_left_is_a_plain_vgg19(model):
    trained = model.network()
    before = {name: value.clone() for name, value in trained.state_dict().items()}

    plain = folded(trained)

    network = dataclasses.replace(model.recipe.network, name="vgg19")
    build(network).load_state_dict(plain.state_dict())
    assert not any(isinstance(layer, BATCH_NORM) for layer in plain.modules())
    assert not plain.training
    assert plain.body.features[0].weight.dtype == torch.float32
    assert all(value.equal(before[name]) for name, value in trained.state_dict().items())


def test_a_network_in_training_is_refused(model):
    with pytest.raises(ValueError, match="net must be in eval mode"):
        folded(model.network().train())


@pytest.mark.parametrize("name", ["vgg19", "shufflenetv2_x1_0"])
def test_other_networks_stay_as_they_are(name):
    net = random_model(name).network()

    assert folded(net) is net


def test_every_network_but_one_is_exported_under_its_own_name():
    assert {name: exported_as(name) for name in NETWORKS if exported_as(name) != name} == {
        "vgg19_bn": "vgg19",
        "vgg19_bn_shallow": "vgg19_shallow",
    }


def test_the_file_is_a_vgg19(model, exported):
    proto = onnx.load(exported[0])
    (text,) = (entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY)
    contract = ModelContract.from_json(text, origin="the file")
    stored = {value.name: value for value in proto.graph.initializer}
    own = folded(model.network()).body.features[0].weight.detach().numpy()

    assert "BatchNormalization" not in {node.op_type for node in proto.graph.node}
    assert (numpy_helper.to_array(stored["net.body.features.0.weight"]) == own).all()
    assert contract.network == "vgg19"
    assert contract.weights_sha256 == model.weights_sha256()


def test_the_file_is_proved_against_the_network_that_was_trained(model, exported):
    path, (proved,) = exported

    assert any(isinstance(layer, BATCH_NORM) for layer in proved.modules())
    assert read_sidecar(path).parity.reference_sha256 == model.weights_sha256()
