import dataclasses

import pytest
import torch

from rtau.errors import ConfigError
from rtau_train.models import build
from tests.support.training import shipped_recipe

NETWORK = shipped_recipe().network


@pytest.fixture
def net():
    torch.manual_seed(0)
    return build(NETWORK).eval()


def pictures(count):
    generator = torch.Generator().manual_seed(1)
    shape = (count, NETWORK.input_size, NETWORK.input_size, 3)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def test_the_size_is_that_of_the_paper_head_on_shufflenet(net):
    counted = sum(p.numel() for name, p in net.named_parameters() if "landmarks" not in name)

    assert counted == 1_253_604 + (1024 * 512 + 512) + (512 * 12 + 12)


def test_outputs_have_a_row_per_picture(net):
    logits, landmarks = net(pictures(3))

    assert logits.shape == (3, 12)
    assert landmarks.shape == (3, 68, 2)


def test_the_exported_map_is_at_least_seven_by_seven(net):
    net.body.set_dense(True)

    assert min(net.features(pictures(1)).shape[2:]) >= 7


def test_dense_features_are_the_coarse_ones_and_more_between(net):
    with torch.inference_mode():
        net.body.set_dense(False)
        coarse = net.features(pictures(2))
        net.body.set_dense(True)
        dense = net.features(pictures(2))

    torch.testing.assert_close(dense[:, :, ::2, ::2], coarse)


def test_normalisation_follows_the_recipe(net):
    white = torch.full((1, 4, 4, 3), 255, dtype=torch.uint8)

    planes = net.normalise(white)[0, :, 0, 0]

    wanted = [(1 - m) / s for m, s in zip(NETWORK.mean, NETWORK.std, strict=True)]
    torch.testing.assert_close(planes, torch.tensor(wanted))


def test_an_unknown_network_is_refused_with_the_known_names():
    with pytest.raises(ConfigError, match=r"must be one of vgg19, .*, resnet50, got 'vgg99'"):
        build(dataclasses.replace(NETWORK, name="vgg99"))
