"""The hyper-parameters of a recipe in words, under the names of the papers' tables.

For reading only: the recipe itself is in the checkpoint. Called by the evaluation, whose record the
report prints.
"""

from __future__ import annotations

from rtau_train.fit_settings import Fit
from rtau_train.recipe import Network, Recipe, SplitPlan

_STARTS = {"none": "random", "imagenet": "ImageNet"}
_TRAINED = {"all": "everything", "last_block": "head and last block"}
_LOSSES = {"multi_label": "binary cross-entropy", "multi_class": "cross-entropy"}


def settings_of(recipe: Recipe, /) -> dict[str, str]:
    """Returns name -> value: those of the first paper's Table 6 first."""
    network, fit = recipe.network, recipe.fit
    return {
        "loss function": _loss(network, fit),
        "training epochs": str(fit.epochs),
        "batch size": str(fit.batch * fit.accumulate),
        "learning rate": _rate(fit),
        "optimiser": f"{fit.optimiser}, weight decay {fit.weight_decay:g}",
        "first weights": _STARTS[network.weights],
        "trained": _TRAINED[network.unfreeze],
        "pooling": network.pooling,
        "input": f"{network.input_size} px",
        "split": _split(recipe.split),
        "artificial images": _artificial(recipe),
    }


def _loss(network: Network, fit: Fit) -> str:
    name = _LOSSES[network.task] if fit.loss == "cross_entropy" else fit.loss
    return name if fit.class_weights == "none" else f"{name}, balanced"


def _rate(fit: Fit) -> str:
    rate = f"{fit.min_lr:g} to {fit.max_lr:g}" if fit.min_lr else f"{fit.max_lr:g}"
    return rate if fit.schedule == "constant" else f"{rate}, one cycle"


def _split(plan: SplitPlan) -> str:
    if plan.protocol == "given":
        return "the data's own"
    if plan.folds:
        return f"by {plan.protocol}, fold {plan.fold + 1} of {plan.folds}, seed {plan.seed}"
    shares = (1 - plan.validation - plan.test, plan.validation, plan.test)
    return f"by {plan.protocol}, {'/'.join(f'{share:.0%}' for share in shares)}, seed {plan.seed}"


def _artificial(recipe: Recipe) -> str:
    more = recipe.oversample
    if more is None:
        return "none"
    when = "before the split" if more.before_split else "training part only"
    return f"{more.copies} per image with {', then '.join(more.labels)}, {when}"
