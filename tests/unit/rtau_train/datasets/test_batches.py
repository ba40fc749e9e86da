import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import ConfigError, UsageError
from rtau_train.datasets.batches import TrainingSet
from rtau_train.recipe import Mix
from tests.support.training import small_recipe

ROWS = np.arange(24, dtype=np.int64)


def mixed(data, *, share=0.5, rare=4):
    """Returns data whose last few rows are another data set, and a recipe that mixes them."""
    data = data.take(ROWS)
    names = np.array(["renders"] * (len(ROWS) - rare) + ["portraits"] * rare)
    targets = data.targets.copy()
    targets[-rare:, 0] = np.nan  # tells the rows of the mix
    recipe = dataclasses.replace(small_recipe(batch=8), mix=(Mix("portraits", share),))
    return recipe, dataclasses.replace(data, columns={"dataset": names}, targets=targets)


def test_a_mix_fills_its_share_of_an_epoch_with_repetitions(data):
    training = TrainingSet(*mixed(data), ROWS)

    targets = torch.cat([batch[1] for batch in training.batches(0)])

    assert training.steps == 5  # 20 others and as many of the mix
    assert torch.isnan(targets[:, 0]).sum() == 20


def test_repetitions_are_different_pictures(data):
    crops, targets, _ = (
        torch.cat(parts)
        for parts in zip(*TrainingSet(*mixed(data, rare=1), ROWS).batches(0), strict=True)
    )

    same_row = crops[torch.isnan(targets[:, 0])]

    assert len(same_row) > 2
    assert not torch.equal(same_row[0], same_row[1])


def test_two_processes_share_the_pictures_of_a_mix(data):
    recipe, data = mixed(data)
    whole = list(TrainingSet(recipe, data, ROWS).batches(1))
    halves = [list(TrainingSet(recipe, data, ROWS, rank=k, world=2).batches(1)) for k in (0, 1)]

    assert torch.equal(whole[0][0][0::2], halves[0][0][0])
    assert torch.equal(whole[0][0][1::2], halves[1][0][0])


def test_a_mix_with_itself_is_refused(data):
    recipe, _ = mixed(data)

    with pytest.raises(UsageError, match="the recipe mixes 'portraits' with other data"):
        TrainingSet(recipe, data, ROWS)


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_leaves_something_for_the_others(share):
    with pytest.raises(ConfigError, match=r"mix\.share must lie between 0 and 1"):
        Mix("portraits", share)


def test_a_short_epoch_draws_other_pictures_each_time(data):
    recipe = small_recipe(batch=8, epoch_rows=8)
    training = TrainingSet(recipe, data, ROWS)

    (first,), (second,) = training.batches(0), training.batches(1)

    assert len(first[0]) == 8
    assert not torch.equal(first[1], second[1])


def test_an_epoch_is_a_batch_or_more():
    with pytest.raises(ConfigError, match=r"epoch_rows must be 0 or at least a batch \(8\), got 7"):
        small_recipe(batch=8, epoch_rows=7)


def test_a_label_that_is_trusted_less_is_left_out_at_times(data):
    recipe, data = mixed(data, rare=8)
    label = data.labels[1]
    trusting = dataclasses.replace(recipe.mix[0], trust={label: 0.5})
    recipe = dataclasses.replace(recipe, mix=(trusting,))

    targets = torch.cat(
        [b[1] for e in range(4) for b in TrainingSet(recipe, data, ROWS).batches(e)]
    )

    of_mix = torch.isnan(targets[:, 0])
    left_out = torch.isnan(targets[:, 1])
    assert 0.3 < left_out[of_mix].float().mean() < 0.7
    assert not left_out[~of_mix].any()
    assert not torch.isnan(targets[:, 2]).any()
