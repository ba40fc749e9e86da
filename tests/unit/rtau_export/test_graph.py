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


def test_logits_are_those_of_the_network_with_and_without_cams(net):
    with torch.inference_mode():
        wanted, _ = net(crops(3))
        with_cams = FaceGraph(net, cam_method="gradcam")(crops(3))
        (bare,) = FaceGraph(net, cam_method=None)(crops(3))

    torch.testing.assert_close(with_cams[0], wanted)
    torch.testing.assert_close(bare, wanted)
    assert with_cams[1].shape == (3, 12, 3, 3)
    assert with_cams[1].min() >= 0
