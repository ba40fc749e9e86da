import pytest
import torch

from rtau_export.graph import FaceGraph
from rtau_train.models import build
from tests.support.training import small_recipe

pytestmark = pytest.mark.needs_torch


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = build(small_recipe().network)
    net.set_dense(True)
    return net.eval()


def crops(count):
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (count, 48, 48, 3), generator=generator, dtype=torch.uint8)


def test_a_network_in_training_mode_is_refused(net):
    with pytest.raises(ValueError, match="eval mode"):
        FaceGraph(net.train(), cam_method="gradcam")


@pytest.mark.parametrize("cam_method", [None, "gradcam"])
def test_landmarks_are_the_networks_in_px_of_the_crop(net, cam_method):
    graph = FaceGraph(net, cam_method=cam_method, landmarks=True)
    with torch.inference_mode():
        _, across = net(crops(3))
        found = dict(zip(graph.outputs, graph(crops(3)), strict=True))

    assert list(found)[-1] == "landmarks"
    torch.testing.assert_close(found["landmarks"], (across + 1) * 24)  # crops of 48 px


def test_a_network_without_landmarks_cannot_export_them(net):
    net.landmarks = None
    with pytest.raises(ValueError, match="must have a layer of landmarks"):
        FaceGraph(net, cam_method=None, landmarks=True)


def test_logits_are_those_of_the_network_with_and_without_cams(net):
    with torch.inference_mode():
        wanted, _ = net(crops(3))
        with_cams = FaceGraph(net, cam_method="gradcam")(crops(3))
        (bare,) = FaceGraph(net, cam_method=None)(crops(3))

    torch.testing.assert_close(with_cams[0], wanted)
    torch.testing.assert_close(bare, wanted)
    assert with_cams[1].shape == (3, 12, 3, 3)
    assert with_cams[1].min() >= 0
