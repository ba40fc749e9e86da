"""Optimiser, parameter groups and learning rates of a recipe.

Groups run from the network's first layers to its head, so that a recipe may give the first smaller
rates; biases and batch norms do not decay. Called by the loop and by the search for a rate.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from rtau_train.fit_settings import Fit
from rtau_train.models.facenet import FaceNet

# Share of the peak at which a one-cycle schedule begins, and at which it ends.
FIRST, LAST = 1 / 25, 1e-5


def build_optimiser(net: FaceNet, fit: Fit, /) -> torch.optim.Optimizer:
    """Returns the optimiser of what a network trains; each group carries its share of the rate."""
    kind = torch.optim.AdamW if fit.optimiser == "adamw" else torch.optim.Adam
    return kind(parameter_groups(net, fit), lr=fit.max_lr)


def parameter_groups(net: FaceNet, fit: Fit, /) -> list[dict[str, object]]:
    """Returns the groups: layer groups in order when `fit.min_lr` is set, else one; each in two.

    Frozen parameters are in the groups too, so that the optimiser's state keeps its shape when a
    recipe thaws them; without a gradient they do not move.
    """
    layers = _layer_groups(net) if fit.min_lr > 0 else [list(net.parameters())]
    ratio = fit.min_lr / fit.max_lr
    groups: list[dict[str, object]] = []
    for place, parameters in enumerate(layers):
        # Equal ratios from min_lr at the first group to max_lr at the last (fastai's slice).
        share = 1.0 if len(layers) == 1 else ratio ** (1 - place / (len(layers) - 1))
        for decays, decay in ((True, fit.weight_decay), (False, 0.0)):
            some = [value for value in parameters if (value.ndim > 1) == decays]
            if some:
                groups.append({"params": some, "weight_decay": decay, "share": share})
    return groups


def _layer_groups(net: FaceNet) -> list[list[nn.Parameter]]:
    """Returns the parameters of the body's parts in order, then those of the head."""
    parts = [part for part in net.body.children() if any(True for _ in part.parameters())]
    if len(parts) == 1:  # a body that is one sequence of layers
        parts = [part for part in parts[0].children() if any(True for _ in part.parameters())]
    body = [list(part.parameters()) for part in parts]
    taken = {id(value) for values in body for value in values}
    head = [value for value in net.parameters() if id(value) not in taken]
    return [*body, head]


def learning_rate(fit: Fit, /, *, progress: float) -> float:
    """Returns the rate at a share of the run in [0, 1].

    One cycle (Smith & Topin 2018): a cosine from max_lr / 25 up to max_lr at `warm_up`, then a
    cosine down to nearly 0. Constant: max_lr.
    """
    if fit.schedule == "constant":
        return fit.max_lr
    if progress < fit.warm_up:
        start, part = FIRST, progress / fit.warm_up
    else:
        start, part = LAST, (1 - progress) / (1 - fit.warm_up)
    return fit.max_lr * (start + (1 - start) * (1 - math.cos(math.pi * part)) / 2)


def set_rate(optimiser: torch.optim.Optimizer, rate: float, /) -> None:
    """Gives every group its share of a rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
