"""The training loop: one-cycle AdamW, a checkpoint and a held-out figure after every epoch.

Deterministic on a CPU: order, crops and dropout follow from the recipe's seed, so a run that was
interrupted and resumed ends in the same weights. Prints nothing; tells a watcher. Called by the
command line.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import time
from pathlib import Path

import torch
from torch import nn

from rtau.errors import RtauError, UsageError
from rtau_train import evaluate
from rtau_train.batches import TrainingSet
from rtau_train.checkpoint import Model, load_model, load_state, save_model, save_state
from rtau_train.data import RenderedCrops
from rtau_train.folds import split_rows
from rtau_train.loss import total_loss
from rtau_train.models import build, start
from rtau_train.recipe import Fit, Recipe


@dataclasses.dataclass(frozen=True)
class EpochDone:
    """What a watcher hears after an epoch; a row of history.csv."""

    epoch: int
    """From 1."""
    epochs: int
    loss: float
    """Mean training loss."""
    mean_auc: float
    """Mean AUC on the held-out threshold part."""
    wall_s: float


class Watcher:
    """Hears of progress; this one is deaf."""

    def step(self, done: int, total: int, /) -> None:
        """Takes the count of steps done in this epoch."""

    def epoch(self, done: EpochDone, /) -> None:
        """Takes the end of an epoch."""


def learning_rate(fit: Fit, /, *, progress: float) -> float:
    """Returns the one-cycle rate (Smith & Topin 2018) at a share of the run in [0, 1].

    A cosine from max_lr / 25 up to max_lr at `warm_up`, then a cosine down to nearly 0.
    """
    low, high = (1 / 25, 1e-5)
    if progress < fit.warm_up:
        start, part = low, progress / fit.warm_up
    else:
        start, part = high, (1 - progress) / (1 - fit.warm_up)
    return fit.max_lr * (start + (1 - start) * (1 - math.cos(math.pi * part)) / 2)


def fit(
    recipe: Recipe,
    data: RenderedCrops,
    /,
    *,
    recipe_path: str,
    out: Path,
    resume: bool = False,
    watcher: Watcher | None = None,
    weights_dir: Path | None = None,
) -> Model:
    """Returns the trained model, also written to `out`/model.pt after every epoch.

    `weights_dir` holds the ImageNet weights a recipe may ask for; without it they are downloaded.

    Raises:
        UsageError: `out` holds a run and `resume` was not asked for, or another recipe's run.
        RtauError: the loss stopped being a number.
    """
    if (out / "last.pt").exists() and not resume:
        raise UsageError(f"{out} already holds a run; add --resume or choose another --out")
    run = _Run(recipe, data, recipe_path=recipe_path, out=out)
    run.begin(weights_dir)
    watcher = watcher or Watcher()
    for epoch in range(run.epochs_done, recipe.fit.epochs):
        watcher.epoch(run.epoch(epoch, watcher))
    return load_model(out)


class _Run:
    """One fit: the network, its optimiser and the two parts of the data it works on."""

    def __init__(
        self, recipe: Recipe, data: RenderedCrops, /, *, recipe_path: str, out: Path
    ) -> None:
        self._recipe, self._recipe_path, self._out = recipe, recipe_path, out
        out.mkdir(parents=True, exist_ok=True)
        split = split_rows(len(data), recipe.fit)
        self._training = TrainingSet(recipe, data, split.train)
        self._judged = evaluate.cut_plain(data, split.thresholds, recipe)
        self._judged_intensities = data.intensities[split.thresholds]
        self.epochs_done = 0

    def begin(self, weights_dir: Path | None) -> None:
        """Makes the network: with the state of `last.pt` if there is one, else as it starts."""
        recipe, path = self._recipe, self._out / "last.pt"
        torch.manual_seed(recipe.fit.seed)
        if path.exists():
            self._net = build(recipe.network)
            self._net.freeze(recipe.network.unfreeze)
        else:
            self._net = start(recipe.network, weights_dir=weights_dir)
        self._optimiser = torch.optim.AdamW(_parameter_groups(self._net, recipe.fit))
        if path.exists():
            self._restore(path)

    def _restore(self, path: Path) -> None:
        state = load_state(path, kind="state")
        if Recipe.from_dict(state["recipe"], origin=str(path)) != self._recipe:
            raise UsageError(
                f"{path} was made by another recipe; choose another --out, or restore the recipe"
            )
        self._net.load_state_dict(state["weights"])
        self._optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["torch_rng"])
        self.epochs_done = int(state["epochs_done"])

    def epoch(self, epoch: int, watcher: Watcher, /) -> EpochDone:
        """Returns what an epoch, from 0, came to, after writing both checkpoints."""
        started_s = time.monotonic()
        recipe = self._recipe
        self._net.set_dense(epoch >= recipe.fit.epochs - recipe.fit.dense_epochs)
        loss = self._train(epoch, watcher)
        self._net.set_dense(True)
        chosen = evaluate.calibrate(self._net, self._judged, self._judged_intensities)
        self.epochs_done = epoch + 1
        self._save(chosen)
        wall_s = time.monotonic() - started_s
        done = EpochDone(epoch + 1, recipe.fit.epochs, loss, chosen.mean_auc, wall_s)
        _append_row(self._out / "history.csv", done)
        return done

    def _train(self, epoch: int, watcher: Watcher) -> float:
        recipe, steps = self._recipe, self._training.steps
        self._net.train()
        summed = 0.0
        for step, (crops, intensities, landmarks) in enumerate(self._training.batches(epoch)):
            progress = (epoch * steps + step) / (recipe.fit.epochs * steps)
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate(recipe.fit, progress=progress)
            loss = total_loss(self._net(crops), intensities, landmarks, fit=recipe.fit)
            if not torch.isfinite(loss):
                raise RtauError(
                    f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}; lower "
                    "fit.max_lr in the recipe, then start again in another --out"
                )
            self._optimiser.zero_grad()
            torch.autograd.backward(loss)
            self._optimiser.step()
            summed += loss.item()
            watcher.step(step + 1, steps)
        return summed / steps

    def _save(self, chosen: evaluate.Calibration) -> None:
        model = Model(
            recipe=self._recipe,
            recipe_path=self._recipe_path,
            epochs_done=self.epochs_done,
            thresholds=chosen.thresholds,
            cam_scale=chosen.cam_scale,
            cam_plus_plus_scale=chosen.cam_plus_plus_scale,
            weights=self._net.state_dict(),
        )
        save_model(self._out / "model.pt", model)
        state = {
            "kind": "state",
            "recipe": self._recipe.to_dict(),
            "epochs_done": self.epochs_done,
            "weights": self._net.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }
        save_state(self._out / "last.pt", state)


def _parameter_groups(net: nn.Module, fit: Fit) -> list[dict[str, object]]:
    """Returns AdamW's groups: weights decay, biases and batch norms do not."""
    parameters = [value for value in net.parameters() if value.requires_grad]
    return [
        {
            "params": [value for value in parameters if value.ndim > 1],
            "weight_decay": fit.weight_decay,
        },
        {"params": [value for value in parameters if value.ndim <= 1], "weight_decay": 0.0},
    ]


def _append_row(path: Path, done: EpochDone) -> None:
    row = dataclasses.asdict(done)
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)
