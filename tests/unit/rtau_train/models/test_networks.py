"""The networks: their sizes against the published figures, their grids, their freezing."""

import dataclasses

import pytest
import torch

from rtau.errors import BackendUnavailable, ConfigError
from rtau_train import models
from rtau_train.fit_settings import HAVE_DENSE_FORM
from rtau_train.models import NETWORKS, build, start
from tests.support.training import shipped_recipe

PAPER = dataclasses.replace(shipped_recipe().network, input_size=224, landmarks=False)
VGG19S = ("vgg19", "vgg19_bn", "vgg19_bn_shallow")
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def network_of(name, **changes):
    return dataclasses.replace(PAPER, name=name, **changes)


def parameters(module, *, trainable=False):
    values = module.parameters()
    return sum(value.numel() for value in values if value.requires_grad or not trainable)


def crops(size, count=1):
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, size, size, 3), generator=generator, dtype=torch.uint8)


# Of the whole network with the 512-ReLU + 12-sigmoid head, and of what `last_block` trains.
# VGG19: 20,024,384 + 262,656 + 6,156; the paper says 20.2 million.
PARAMETERS = {
    "vgg19": (20_293_196, 9_708_044),
    # Two more a channel of each convolution: 2 * 5,504, of them 2 * 2,048 in block 5.
    "vgg19_bn": (20_304_204, 9_712_140),
    # Five of VGG19's convolutions: 3,910,784, and 2 * 1,472 in their batch norms.
    "vgg19_bn_shallow": (4_182_540, 2_629_644),
    "resnet101": (43_555_404, 16_019_980),
    "nasnet_mobile": (4_780_318, 3_736_812),
    "mobilenetv2": (2_885_900, 2_343_372),
    "efficientnet_b0": (4_669_576, 3_817_768),
    "shufflenetv2_x1_0": (1_784_560, 1_509_492),
    "resnet18": (11_445_324, 8_662_540),
    "resnet34": (21_553_484, 13_383_180),
    "resnet50": (24_563_276, 16_019_980),
}
# Published ImageNet networks, without their 1000-class layer where there is one behind the maps.
BODIES = {
    "vgg19_bn": 143_678_248 - 123_642_856,
    "nasnet_mobile": 5_289_978 - (1056 * 1000 + 1000),
    "mobilenetv2": 3_504_872 - (1280 * 1000 + 1000),
    "efficientnet_b0": 5_288_548 - (1280 * 1000 + 1000),
    "resnet101": 44_549_160 - (2048 * 1000 + 1000),
    "resnet18": 11_689_512 - (512 * 1000 + 1000),
    "resnet34": 21_797_672 - (512 * 1000 + 1000),
    "resnet50": 25_557_032 - (2048 * 1000 + 1000),
    "shufflenetv2_x1_0": 2_278_604 - (1024 * 1000 + 1000),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_are_the_published_ones_and_the_last_block_is_what_is_trained(name):
    net = build(network_of(name))

    assert parameters(net) == PARAMETERS[name][0]
    assert name in ("vgg19", "vgg19_bn_shallow") or parameters(net.body) == BODIES[name]
    net.freeze("last_block")
    assert parameters(net, trainable=True) == PARAMETERS[name][1]
    assert all(value.requires_grad for value in net.head.parameters())
    net.freeze("all")
    assert parameters(net, trainable=True) == PARAMETERS[name][0]


def test_nasnet_mobile_is_the_4_at_1056_of_its_paper():
    net = build(network_of("nasnet_mobile"))

    with_1000_classes = parameters(net.body) + 1056 * 1000 + 1000
    assert round(with_1000_classes / 1e6, 1) == 5.3  # Zoph et al. 2018, table 2
    assert net.body.channels == 1056
    stages = [getattr(net.body.features, f"stage{k}") for k in (1, 2, 3)]
    # N = 4 normal cells a stage and a reduction before the second and the third.
    assert [len(stage) for stage in stages] == [4, 5, 5]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_grid_is_seven_by_seven_or_finer(name):
    net = build(network_of(name)).eval()
    smallest = net.body.plain_from_px

    with torch.inference_mode():
        plain = net.features(crops(smallest)).shape
    net.set_dense(True)
    with torch.inference_mode():
        full = net.features(crops(224)).shape

    assert plain[1] == full[1] == net.body.channels
    assert plain[2:] == (7, 7)
    assert full[2:] == ((14, 14) if name in VGG19S else (7, 7)), "224 px need no dense form"


@pytest.mark.parametrize("name", HAVE_DENSE_FORM)
def test_small_crops_get_their_grid_from_the_dense_form(name):
    net = build(network_of(name, input_size=112)).eval()
    with torch.inference_mode():
        coarse = net.features(crops(112)).clone()
        net.set_dense(True)
        dense = net.features(crops(112)).clone()
        net.set_dense(False)
        again = net.features(crops(112)).clone()

    assert coarse.shape[2:] == (4, 4)
    assert dense.shape[2:] == (7, 7)
    assert torch.equal(again, coarse)
    # EfficientNet's squeezes average over four times as many cells: close, not equal.
    tolerance = 0.3 if name == "efficientnet_b0" else 1e-3
    shared = dense[:, :, ::2, ::2]
    assert (shared - coarse).abs().max() < tolerance * coarse.abs().max()


ONE_FORM = {"vgg19": 6, "vgg19_bn": 6, "vgg19_bn_shallow": 6, "nasnet_mobile": 3}


def test_every_network_has_one_form_or_two():
    assert {*ONE_FORM, *HAVE_DENSE_FORM} == set(NETWORKS)


@pytest.mark.parametrize(("name", "cells"), ONE_FORM.items())
def test_without_a_dense_form_small_crops_train_with_their_coarse_grid(name, cells):
    net = build(network_of(name, input_size=96))
    net.set_dense(True)

    assert net.eval().features(crops(96)).shape[2:] == (cells, cells)


def test_nasnet_names_the_sizes_it_takes():
    net = build(network_of("nasnet_mobile", input_size=240))

    with pytest.raises(ConfigError, match="multiple of 32 px for nasnet_mobile, got 240"):
        net.features(crops(240))


def test_the_second_papers_head_is_one_layer_of_seven():
    net = build(network_of("resnet18", labels=EMOTIONS, task="multi_class", hidden=0)).eval()

    logits, landmarks = net(crops(64, count=2))

    assert logits.shape == (2, 7)
    assert landmarks is None
    assert parameters(net.head) == 512 * 7 + 7


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_the_head_sees_the_pooling_of_the_recipe(pooling):
    net = build(network_of("vgg19", pooling=pooling)).eval()
    with torch.inference_mode():
        maps = net.features(crops(64))
        seen = net.pooling(maps)
        halved = torch.nn.functional.max_pool2d(maps, 2)

    wanted = halved.mean(dim=(2, 3)) if pooling == "average" else maps.amax(dim=(2, 3))
    torch.testing.assert_close(seen, wanted)


def test_frozen_batch_norms_keep_their_statistics():
    net = build(network_of("mobilenetv2"))
    net.freeze("last_block")
    net.train()
    before = {key: value.clone() for key, value in net.body.state_dict().items()}

    net(crops(64, count=2))

    moved = {key for key, value in net.body.state_dict().items() if not value.equal(before[key])}
    assert moved
    assert all(key.startswith(net.body.last_block) for key in moved)


def test_vgg19_with_batch_norms_takes_a_step_at_48_px():
    torch.manual_seed(6)
    net = start(network_of("vgg19_bn", input_size=48)).train()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in net.state_dict().items()}

    loss = net(crops(48, count=3))[0].square().mean()
    loss.backward()
    optimiser.step()

    learnt = {name for name in before if name.endswith(("weight", "running_var"))}
    assert torch.isfinite(loss)
    # From the head to the first layer. A bias before a batch norm has no gradient.
    assert learnt <= {name for name, now in net.state_dict().items() if not now.equal(before[name])}


def test_random_weights_are_asked_for_by_name():
    torch.manual_seed(3)
    begun = start(network_of("shufflenetv2_x1_0", weights="none"))
    torch.manual_seed(3)
    built = build(network_of("shufflenetv2_x1_0"))

    assert parameters(begun, trainable=True) == parameters(begun)
    pairs = zip(begun.parameters(), built.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_library_that_is_missing_is_named(monkeypatch):
    def fail(_name):
        raise ModuleNotFoundError("No module named 'pytorchcv'", name="pytorchcv")

    monkeypatch.setattr(models.importlib, "import_module", fail)

    with pytest.raises(BackendUnavailable, match=r"nasnet_mobile needs .* 'pytorchcv'"):
        build(network_of("nasnet_mobile"))
