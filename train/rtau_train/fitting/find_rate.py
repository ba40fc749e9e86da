"""The learning-rate finder: one pass of rising rates, the loss of each, and a suggestion.

Smith (WACV 2017) raises the rate from batch to batch and looks where the loss falls fastest; the
second study chose its rates this way, with fastai. Called by `rtau-train find-lr`.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import torch

from rtau.errors import UsageError
from rtau_train.datasets.batches import TrainingSet
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.splits import splits_of
from rtau_train.fitting.optimise import build_optimiser, set_rate
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.models import start
from rtau_train.models.loss import total_loss
from rtau_train.recipe import Recipe
from rtau_train.whole_file import whole_file

# fastai's range, which the second study used.
LOWEST, HIGHEST = 1e-7, 10.0
# The loss of single batches is noise: an average that forgets by this factor is looked at.
MEMORY = 0.9
# A loss this many times the lowest one has diverged.
DIVERGED = 4.0
FEWEST_STEPS = 10


@dataclasses.dataclass(frozen=True)
class TriedRates:
    """Losses of rising rates."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    """Smoothed."""

    @property
    def suggestion(self) -> float:
        """The rate where the smoothed loss falls fastest over the logarithm of the rate."""
        slopes = np.gradient(np.array(self.losses), np.log(np.array(self.rates)))
        return self.rates[int(np.argmin(slopes))]

    def write(self, path: Path, /) -> None:
        """Writes a CSV with a row per rate."""
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("rate", "smoothed_loss"))
            writer.writerows(zip(self.rates, self.losses, strict=True))


def try_rates(
    recipe: Recipe, data: LabelledCrops, /, *, steps: int, options: TrainingOptions
) -> TriedRates:
    """Returns the losses of `steps` rates in equal ratios from 1e-7 to 10, until one diverges.

    Raises:
        UsageError: fewer than ten steps.
    """
    if steps < FEWEST_STEPS:
        raise UsageError(f"--steps must be at least {FEWEST_STEPS}, got {steps}")
    torch.manual_seed(recipe.fit.seed)
    device = options.worker.device
    net = start(recipe.network, weights_dir=options.weights_dir).to(device)
    net.set_dense(recipe.fit.is_dense(0))
    optimiser = build_optimiser(net, recipe.fit)
    splits = splits_of(data, recipe)
    training = TrainingSet(recipe, splits.data, splits.split.train, threads=options.loader_workers)
    net.train()
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    batches = itertools.chain.from_iterable(training.batches(epoch) for epoch in itertools.count())
    for step, batch in enumerate(itertools.islice(batches, steps)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1))
        set_rate(optimiser, rate)
        crops, targets = batch[0].to(device), batch[1].to(device)
        landmarks = None if batch[2] is None else batch[2].to(device)
        task = recipe.network.task
        loss = total_loss(net(crops), targets, landmarks, fit=recipe.fit, task=task)
        average = MEMORY * average + (1 - MEMORY) * loss.item()
        smoothed = average / (1 - MEMORY ** (step + 1))
        if not math.isfinite(smoothed) or (losses and smoothed > DIVERGED * min(losses)):
            break
        rates.append(rate)
        losses.append(smoothed)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return TriedRates(tuple(rates), tuple(losses))
