import dataclasses

import pytest
import torch

from rtau_train.fitting.optimise import build_optimiser, learning_rate, set_rate
from rtau_train.models import build
from tests.support.training import small_recipe

PLAN = dataclasses.replace(small_recipe().fit, max_lr=1e-2, min_lr=1e-5)


def rates_by_parameter(optimiser):
    return {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}


@pytest.mark.parametrize("name", ["shufflenetv2_x1_0", "resnet18", "mobilenetv2"])
def test_a_slice_of_rates_rises_from_the_first_layer_to_the_head(name):
    net = build(dataclasses.replace(small_recipe().network, name=name))
    optimiser = build_optimiser(net, PLAN)
    set_rate(optimiser, PLAN.max_lr)

    rates = rates_by_parameter(optimiser)
    in_order = [rates[id(value)] for value in net.body.parameters()]

    assert len(rates) == len(list(net.parameters()))
    assert in_order[0] == pytest.approx(1e-5)
    assert in_order == sorted(in_order)
    assert in_order[-1] < rates[id(net.head.out.weight)] == pytest.approx(1e-2)


def test_without_a_slice_there_is_one_rate_and_biases_do_not_decay():
    plan = dataclasses.replace(PLAN, min_lr=0.0, weight_decay=0.1)
    optimiser = build_optimiser(build(small_recipe().network), plan)

    assert {group["share"] for group in optimiser.param_groups} == {1.0}
    for group in optimiser.param_groups:
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] > 0}


def test_a_constant_rate_is_constant_and_adam_is_adam():
    plan = dataclasses.replace(PLAN, schedule="constant", optimiser="adam")
    optimiser = build_optimiser(build(small_recipe().network), plan)

    assert {learning_rate(plan, progress=k / 10) for k in range(11)} == {1e-2}
    assert type(optimiser) is torch.optim.Adam
