import copy

import pytest
import torch

from rtau_train.models import build
from rtau_train.models.dead_channels import silenced
from tests.support.training import shipped_recipe

CHANNEL = 7


@pytest.fixture(scope="module")
def net():
    """A network one of whose channels is never above zero before its depthwise convolution."""
    torch.manual_seed(3)
    made = build(shipped_recipe().network).eval()
    _, norm, _, depthwise, after, *_ = made.body.stage2[0].branch2
    with torch.no_grad():
        norm.bias[CHANNEL] = -1e4
        depthwise.weight[CHANNEL] = 8e3
        after.running_var[CHANNEL] = 0
        after.bias[CHANNEL] = 0.25
    return made


def test_a_dead_channel_keeps_its_offset_and_loses_its_weights(net):
    crops = torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8)
    before = copy.deepcopy(net.state_dict())

    quiet = silenced(net)

    with torch.inference_mode():
        torch.testing.assert_close(quiet(crops)[0], net(crops)[0])
    assert not quiet.body.stage2[0].branch2[3].weight[CHANNEL].any()
    changed = [
        name for name, value in quiet.state_dict().items() if not torch.equal(value, before[name])
    ]
    assert changed == ["body.stage2.0.branch2.3.weight", "body.stage2.0.branch2.4.running_var"]


def test_a_network_in_training_is_refused(net):
    with pytest.raises(ValueError, match="eval mode"):
        silenced(copy.deepcopy(net).train())
