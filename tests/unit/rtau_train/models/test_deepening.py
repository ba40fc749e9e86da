"""A VGG19 that begins with a shallow one computes what that computes."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from rtau.errors import ConfigError
from rtau_train.fitting.start_from import read_other_run
from rtau_train.models import build
from rtau_train.models.checkpoint import load_model, save_model
from rtau_train.models.deepening import _rectified, deepened
from tests.support.training import small_recipe

NETWORK = dataclasses.replace(small_recipe().network, input_size=32)


def network(name, **changes):
    return dataclasses.replace(NETWORK, name=name, **changes)


@pytest.fixture(scope="module")
def pair():
    """A shallow network whose batch norms have seen pictures, and the deep one made of it."""
    generator = torch.manual_seed(3)
    shallow = build(network("vgg19_bn_shallow"))
    with torch.no_grad():
        for layer in shallow.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.5, 0.5)
        shallow.train()
        for _ in range(10):
            shallow.features(crops(generator))
    deep = build(network("vgg19_bn"))
    deep.load_state_dict(deepened(shallow.state_dict()))
    return shallow, deep


def crops(generator):
    return torch.randint(0, 256, (16, 32, 32, 3), generator=generator, dtype=torch.uint8)


def test_a_deepened_network_says_what_the_shallow_one_says(pair):
    shallow, deep = (net.eval() for net in pair)
    pictures = crops(torch.Generator().manual_seed(5))
    with torch.no_grad():
        wanted = shallow.head(shallow.pooling(shallow.features(pictures)))
        found = deep.head(deep.pooling(deep.features(pictures)))
    assert wanted.std() > 1e-3
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_in_training_it_begins_close_to_the_shallow_one(pair):
    shallow, deep = (net.train() for net in pair)
    pictures = crops(torch.Generator().manual_seed(6))
    with torch.no_grad():
        wanted, found = (net.features(pictures).flatten().numpy() for net in (shallow, deep))
    assert np.corrcoef(wanted, found)[0, 1] > 0.98


def test_every_added_layer_can_learn(pair):
    _, deep = pair
    deep.train()
    deep.features(crops(torch.Generator().manual_seed(7))).square().mean().backward()
    kernels = [layer.weight for layer in deep.modules() if isinstance(layer, nn.Conv2d)]
    assert len(kernels) == 16
    assert all(kernel.grad.abs().max() > 0 for kernel in kernels)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (-1.0, 0.5), (2.0, 0.3), (0.4, -2.0)])
def test_mean_and_variance_of_a_rectified_gaussian(mean, deviation):
    drawn = np.random.default_rng(0).normal(mean, abs(deviation), 2_000_000).clip(0)
    first, variance = _rectified(torch.tensor([mean]).double(), torch.tensor([deviation]).double())
    assert first.item() == pytest.approx(drawn.mean(), abs=3e-3)
    assert variance.item() == pytest.approx(drawn.var(), abs=5e-3)


def saved(folder, net, name, run_folder):
    model = load_model(run_folder)
    plan = dataclasses.replace(model.recipe.fit, dense_epochs=0)
    recipe = dataclasses.replace(model.recipe, network=network(name), fit=plan)
    changed = {"recipe": recipe, "weights": net.state_dict(), "is_dense": False}
    save_model(folder / "model.pt", dataclasses.replace(model, **changed))
    return folder / "model.pt"


def test_a_run_of_the_deep_network_starts_from_one_of_the_shallow(pair, run_folder, tmp_path):
    path = saved(tmp_path, pair[0], "vgg19_bn_shallow", run_folder)
    begun = read_other_run(path, network("vgg19_bn")).start(network("vgg19_bn")).state_dict()
    wanted = deepened(pair[0].state_dict())
    assert begun.keys() == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in begun.items())


def test_no_other_network_starts_from_the_shallow_one(pair, run_folder, tmp_path):
    path = saved(tmp_path, pair[0], "vgg19_bn_shallow", run_folder)
    with pytest.raises(ConfigError, match=r"network.name is vgg19_bn_shallow there and vgg19 in"):
        read_other_run(path, network("vgg19"))
