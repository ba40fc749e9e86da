"""ImageNet weights: the right file, or an error that says how to get it; never random instead."""

import dataclasses
import hashlib
from urllib.error import URLError

import pytest
import torch
import torchvision

from rtau.errors import ConfigError
from rtau_train.models import NETWORKS, build, pretrained, start
from rtau_train.models.mobilenetv2 import MobileNetV2
from tests.support.training import shipped_recipe

NETWORK = dataclasses.replace(
    shipped_recipe().network,
    name="mobilenetv2",
    input_size=224,
    landmarks=False,
    weights="imagenet",
    unfreeze="last_block",
)
# torchvision's own record of the file of each network.
RECORDS = {
    "vgg19": torchvision.models.VGG19_Weights.IMAGENET1K_V1,
    "vgg19_bn": torchvision.models.VGG19_BN_Weights.IMAGENET1K_V1,
    "resnet18": torchvision.models.ResNet18_Weights.IMAGENET1K_V1,
    "resnet34": torchvision.models.ResNet34_Weights.IMAGENET1K_V1,
    "resnet50": torchvision.models.ResNet50_Weights.IMAGENET1K_V1,
    "resnet101": torchvision.models.ResNet101_Weights.IMAGENET1K_V1,
    "mobilenetv2": torchvision.models.MobileNet_V2_Weights.IMAGENET1K_V1,
    "efficientnet_b0": torchvision.models.EfficientNet_B0_Weights.IMAGENET1K_V1,
    "shufflenetv2_x1_0": torchvision.models.ShuffleNet_V2_X1_0_Weights.IMAGENET1K_V1,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file of MobileNetV2 weights, as torchvision lays them out."""
    torch.manual_seed(8)
    path = tmp_path / "mobilenet_v2-b0353104.pth"
    torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    source = dataclasses.replace(MobileNetV2.pretrained, digest=digest)
    monkeypatch.setattr(MobileNetV2, "pretrained", source)
    return tmp_path


@pytest.mark.parametrize("name", RECORDS)
def test_the_files_are_those_of_torchvision(name):
    source = build(dataclasses.replace(NETWORK, name=name)).body.pretrained

    assert source.url == RECORDS[name].url
    assert source.file_name.rpartition("-")[2] == f"{source.digest}.pth"
    assert source.algorithm == "sha256"


def test_nasnets_file_is_that_of_pytorchcv():
    from pytorchcv.models.common.model_store import (  # noqa: PLC0415 - only this test
        get_model_name_suffix_data,
        imgclsmob_repo_url,
    )

    error, sha1, release = get_model_name_suffix_data("nasnet_4a1056")
    source = build(dataclasses.replace(NETWORK, name="nasnet_mobile")).body.pretrained

    assert set(NETWORKS) == {*RECORDS, "nasnet_mobile", "vgg19_bn_shallow"}
    assert source.file_name == f"nasnet_4a1056-{error}-{sha1[:8]}.pth"
    assert source.url == f"{imgclsmob_repo_url}/releases/download/{release}/{source.file_name}.zip"
    assert (source.algorithm, source.digest) == ("sha1", sha1)


@pytest.mark.parametrize("name", ["resnet18", "resnet101"])
def test_the_keys_are_those_of_torchvisions_network(name):
    body = build(dataclasses.replace(NETWORK, name=name)).body
    published = torchvision.models.get_model(name, weights=None).state_dict()

    kept = {key for key in published if not key.startswith(body.pretrained.classifier)}

    assert kept == set(body.state_dict())


@pytest.mark.parametrize("name", ["vgg19", "vgg19_bn"])
def test_vgg19_has_the_keys_of_torchvisions_features(name):
    body = build(dataclasses.replace(NETWORK, name=name)).body
    with torch.device("meta"):
        published = torchvision.models.get_model(name, weights=None).state_dict()

    kept = {key: value.shape for key, value in published.items() if key.startswith("features.")}

    assert kept == {key: value.shape for key, value in body.state_dict().items()}


def test_training_begins_with_the_file_of_the_folder(folder):
    net = start(NETWORK, weights_dir=folder)

    stored = torch.load(folder / "mobilenet_v2-b0353104.pth", weights_only=True)
    own = net.body.state_dict()
    assert all(torch.equal(value, stored[key]) for key, value in own.items())
    assert not net.body.features[0][0].weight.requires_grad
    assert net.body.features[18][0].weight.requires_grad


def test_a_missing_file_says_which_from_where_and_which_hash(tmp_path):
    with pytest.raises(ConfigError) as caught:
        start(NETWORK, weights_dir=tmp_path)

    said = str(caught.value)
    assert str(tmp_path / "mobilenet_v2-b0353104.pth") in said
    assert "download https://download.pytorch.org/models/mobilenet_v2-b0353104.pth" in said
    assert "SHA256 of mobilenet_v2-b0353104.pth begins with b0353104" in said
    assert "\n" not in said


def test_a_file_with_another_hash_is_refused(folder):
    path = folder / "mobilenet_v2-b0353104.pth"
    path.write_bytes(path.read_bytes() + b"more")

    with pytest.raises(ConfigError, match="not the published weights, its SHA256 begins with"):
        start(NETWORK, weights_dir=folder)


def test_weights_of_another_network_are_refused(folder, monkeypatch):
    path = folder / "mobilenet_v2-b0353104.pth"
    torch.save({"features.0.0.weight": torch.zeros(1)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source = dataclasses.replace(MobileNetV2.pretrained, digest=digest)
    monkeypatch.setattr(MobileNetV2, "pretrained", source)

    with pytest.raises(ConfigError, match="not the weights of mobilenetv2") as caught:
        start(NETWORK, weights_dir=folder)
    assert "\n" not in str(caught.value)


def test_without_internet_the_error_tells_of_the_folder(monkeypatch):
    def offline(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(pretrained.torch.hub, "load_state_dict_from_url", offline)

    with pytest.raises(ConfigError, match=r"could not be downloaded .*no route to host") as caught:
        start(NETWORK)
    assert "add --weights-dir DIR" in str(caught.value)
    assert "b0353104" in str(caught.value)


def test_a_zip_is_to_be_unpacked():
    source = pretrained.Pretrained("https://example.org/a-0.pth.zip", "0", algorithm="sha1")

    assert source.file_name == "a-0.pth"
    assert "download https://example.org/a-0.pth.zip and unpack it" in source.how_to_get()


def test_a_file_that_holds_no_tensors_is_refused(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(b"not a pickle")

    with pytest.raises(ConfigError, match="not a file of weights"):
        pretrained.read_state(path)
