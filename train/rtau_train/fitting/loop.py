"""The training loop: a checkpoint, a record and a held-out figure after every epoch.

Deterministic on a CPU: order, crops and dropout follow from the recipe's seed, so a run that was
interrupted and resumed ends in the same weights. Prints nothing; calls back. Called by the
command lines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rtau.errors import RtauError, UsageError
from rtau_train.datasets.batches import TrainingSet
from rtau_train.datasets.labelled_crops import LabelledCrops
from rtau_train.datasets.splits import FILE_NAME as SPLIT_FILE
from rtau_train.datasets.splits import DataSplits, inherited, saved_splits, splits_of
from rtau_train.evaluation import evaluate
from rtau_train.fitting import lab_record
from rtau_train.fitting.history import EpochDone, write_history
from rtau_train.fitting.optimise import build_optimiser, learning_rate, set_rate
from rtau_train.fitting.start_from import OtherRun, read_other_run
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.models import build, start
from rtau_train.models.checkpoint import Model, load_model, resumed_state, save_model, save_state
from rtau_train.models.engine_weights import restore_statistics
from rtau_train.models.facenet import FaceNet
from rtau_train.models.loss import balanced_weights, total_loss
from rtau_train.recipe import Recipe
from rtau_train.whole_file import write_whole


class Callback:
    """Receives progress; this one ignores it."""

    def step(self, done: int, total: int, /) -> None:
        """Takes the count of steps done in this epoch."""

    def epoch(self, done: EpochDone, /) -> None:
        """Takes the end of an epoch."""

    def note(self, text: str, /) -> None:
        """Takes what a reader of the figures must know."""


def fit(
    recipe: Recipe,
    data: LabelledCrops,
    /,
    *,
    recipe_path: str,
    out: Path,
    resume: bool = False,
    start_from: Path | None = None,
    callback: Callback | None = None,
    options: TrainingOptions | None = None,
) -> Model:
    """Returns the trained model, also written to `out`/model.pt after every epoch.

    Args:
        recipe: what to train.
        data: with which crops and labels.
        recipe_path: the recipe's file, for the record.
        out: folder to write.
        resume: go on with the state in `out`, if there is one.
        start_from: folder or model.pt of a run whose weights to begin with, in place of
            `network.weights`; a state that is resumed wins.
        callback: receives progress.
        options: how to compute.

    Raises:
        SourceOpenError: `start_from` is no checkpoint.
        ConfigError: `start_from` is of another network or head.
        UsageError: `out` holds a run and `resume` was not asked for, or another recipe's run; a
            part of the split is empty; the recipe wants landmarks and the data have none.
        RtauError: the loss stopped being a number.
    """
    is_new = not (out / "last.pt").exists()
    if not is_new and not resume:
        raise UsageError(f"{out} already holds a run; add --resume or choose another --out")
    callback = callback or Callback()
    other = read_other_run(start_from, recipe.network) if start_from and is_new else None
    run = Run(
        recipe,
        data,
        recipe_path=recipe_path,
        out=out,
        options=options or TrainingOptions(),
        other_run=other,
    )
    run.begin(callback)
    while not run.is_over:
        callback.epoch(run.epoch(callback))
    return load_model(out)


class Run:
    """One fit: the network, its optimiser and the two parts of the data it works on."""

    def __init__(
        self,
        recipe: Recipe,
        data: LabelledCrops,
        /,
        *,
        recipe_path: str,
        out: Path,
        options: TrainingOptions,
        other_run: OtherRun | None = None,
    ) -> None:
        """Cuts the validation crops, prepares the folder; `other_run` gives the first weights."""
        self._recipe, self._out, self._options = recipe, out, options
        self._other_run = other_run
        if recipe.fit.landmark_weight > 0 and data.landmarks is None:
            raise UsageError(
                f"fit.landmark_weight is {recipe.fit.landmark_weight}, but the data have no "
                "landmarks68.npz; set it to 0 (--set fit.landmark_weight=0)"
            )
        splits = _splits(data, recipe, out=out, other_run=other_run)
        self._worker = options.worker
        self._training = TrainingSet(
            recipe,
            splits.data,
            splits.split.train,
            rank=self._worker.rank,
            world=self._worker.world,
            threads=options.loader_workers,
        )
        self._validation_crops = evaluate.cut_plain(splits.data, splits.split.validation, recipe)
        self._validation_targets = splits.data.targets[splits.split.validation]
        self._record = _first_record(splits, recipe_path=recipe_path, options=options)
        if other_run is not None and other_run.split_folder is None:
            note = (
                f"which pictures {other_run.path} has seen is not known: no {SPLIT_FILE} beside it"
            )
            self._record = dataclasses.replace(self._record, notes=(*self._record.notes, note))
        self._weights = self._label_weights()
        self._thresholds: Mapping[str, float] = {}
        self._best, self._best_epoch = -1.0, 0
        self._history: list[EpochDone] = []
        out.mkdir(parents=True, exist_ok=True)
        if self._worker.is_first and not (out / "last.pt").exists():
            write_whole(out / SPLIT_FILE, splits.to_json(recipe.split))

    @property
    def is_over(self) -> bool:
        """True after the last epoch, or when the score has not risen for `fit.patience`."""
        done, plan = self._record.epochs_done, self._recipe.fit
        tired = 0 < plan.patience <= done - self._best_epoch
        return done >= plan.epochs or tired

    def begin(self, callback: Callback, /) -> None:
        """Makes the network: with the state of `last.pt` if there is one, else as it starts.

        It starts with the other run's weights, or else as the recipe says.
        """
        recipe, path = self._recipe, self._out / "last.pt"
        for note in self._record.notes:
            callback.note(note)
        torch.manual_seed(recipe.fit.seed)
        if path.exists():
            self._net = build(recipe.network)
        elif self._other_run is not None:
            self._net = self._start_with(self._other_run)
        else:
            self._net = start(recipe.network, weights_dir=self._options.weights_dir)
        self._net.to(self._worker.device)
        if self._options.channels_last:
            self._net.to(memory_format=torch.channels_last)
        self._optimiser = build_optimiser(self._net, recipe.fit)
        self._scaler = torch.amp.GradScaler(
            "cuda", enabled=self._options.amp and self._worker.device != "cpu"
        )
        if path.exists():
            self._restore(path)
        # Each process drops other values; the first uses the single-process RNG stream.
        if self._worker.rank:
            torch.manual_seed(recipe.fit.seed + self._worker.rank)

    def _start_with(self, other: OtherRun) -> FaceNet:
        self._record = dataclasses.replace(
            self._record, started_from=other.path, started_from_sha256=other.weights_sha256
        )
        self._thresholds = other.thresholds
        net = other.start(self._recipe.network)
        if other.without_statistics:
            restore_statistics(net, (crops for crops, _, _ in self._training.batches(0)))
        return net

    def _restore(self, path: Path) -> None:
        with resumed_state(path, kind="state") as state:
            if Recipe.from_dict(state["recipe"], origin=str(path)) != self._recipe:
                raise UsageError(
                    f"{path} was made by another recipe; choose another --out or restore the recipe"
                )
            self._net.load_state_dict(state["weights"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._scaler.load_state_dict(state["scaler"])
            torch.set_rng_state(state["torch_rng"])
            self._best, self._best_epoch = float(state["best"]), int(state["best_epoch"])
            self._history = [EpochDone(**row) for row in state["history"]]
            self._record = dataclasses.replace(
                self._record,
                epochs_done=int(state["epochs_done"]),
                minutes=float(state["minutes"]),
                # A state older than --start-from has neither.
                started_from=str(state.get("started_from", "")),
                started_from_sha256=str(state.get("started_from_sha256", "")),
            )
        kept = load_model(self._out)
        self._thresholds = dict(zip(kept.recipe.network.labels, kept.thresholds, strict=True))

    def epoch(self, callback: Callback, /) -> EpochDone:
        """Returns what the next epoch came to, after the first process wrote both checkpoints."""
        started_s = time.monotonic()
        recipe, epoch = self._recipe, self._record.epochs_done
        self._net.freeze("head" if epoch < recipe.fit.frozen_epochs else recipe.network.unfreeze)
        self._net.set_dense(recipe.fit.is_dense(epoch))
        loss = self._train(epoch, callback)
        chosen = self._validate() if self._worker.is_first else None
        score = self._worker.agree(0.0 if chosen is None else chosen.score)
        wall_s = time.monotonic() - started_s
        self._record = dataclasses.replace(
            self._record, epochs_done=epoch + 1, minutes=self._record.minutes + wall_s / 60
        )
        rose = score > self._best
        if rose:
            self._best, self._best_epoch = score, epoch + 1
        done = EpochDone(
            epoch=epoch + 1,
            epochs=recipe.fit.epochs,
            loss=loss,
            validation_loss=float("nan") if chosen is None else chosen.loss,
            score=score,
            rate=float(self._optimiser.param_groups[-1]["lr"]),
            wall_s=wall_s,
        )
        self._history.append(done)
        if chosen is not None:
            self._save(chosen, is_kept=rose or recipe.fit.keep == "last")
        # The others may read what the first has written only when it is there.
        self._worker.wait()
        return done

    def _validate(self) -> evaluate.Calibration:
        held_out = self._validation_crops, self._validation_targets
        recipe, earlier = self._recipe, self._thresholds
        return evaluate.calibrate(self._net, *held_out, recipe=recipe, earlier=earlier)

    def _train(self, epoch: int, callback: Callback) -> float:
        plan, steps = self._recipe.fit, self._training.steps
        net = self._worker.share(self._net)
        net.train()
        summed = 0.0
        for step, batch in enumerate(self._training.batches(epoch)):
            set_rate(
                self._optimiser,
                learning_rate(plan, progress=(epoch * steps + step) / (plan.epochs * steps)),
            )
            is_last = step + 1 == steps
            window = min(plan.accumulate, steps - step // plan.accumulate * plan.accumulate)
            loss = self._loss(net, batch)
            if not torch.isfinite(loss):
                raise RtauError(
                    f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}; lower "
                    "fit.max_lr in the recipe, then start again in another --out"
                )
            torch.autograd.backward(self._scaler.scale(loss / window))
            if is_last or (step + 1) % plan.accumulate == 0:
                self._scaler.step(self._optimiser)
                self._scaler.update()
                self._optimiser.zero_grad()
            summed += loss.item()
            callback.step(step + 1, steps)
        return summed / steps

    def _loss(self, net: torch.nn.Module, batch: tuple[Tensor, Tensor, Tensor | None]) -> Tensor:
        crops, targets, landmarks = (
            None if part is None else part.to(self._worker.device) for part in batch
        )
        assert crops is not None, "a batch has crops"
        assert targets is not None, "a batch has targets"
        with self._precision():
            outputs = net(crops)
        return total_loss(
            outputs,
            targets,
            landmarks,
            fit=self._recipe.fit,
            task=self._recipe.network.task,
            weights=self._weights,
        )

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if not self._options.amp:
            return contextlib.nullcontext()
        kind = "cpu" if self._worker.device == "cpu" else "cuda"
        return torch.autocast(kind, torch.bfloat16 if kind == "cpu" else torch.float16)

    def _label_weights(self) -> Tensor | None:
        if self._recipe.fit.class_weights == "none":
            return None
        weights = balanced_weights(self._training.targets, task=self._recipe.network.task)
        return weights.to(self._worker.device)

    def _save(self, chosen: evaluate.Calibration, *, is_kept: bool) -> None:
        weights = {name: value.detach().cpu() for name, value in self._net.state_dict().items()}
        if is_kept:
            model = Model(
                recipe=self._recipe,
                recipe_path=self._record.recipe,
                epochs_done=self._record.epochs_done,
                thresholds=chosen.thresholds,
                cam_scale=chosen.cam_scale,
                cam_plus_plus_scale=chosen.cam_plus_plus_scale,
                weights=weights,
                is_dense=self._recipe.fit.is_dense(self._record.epochs_done - 1),
            )
            save_model(self._out / "model.pt", model)
        state = {
            "kind": "state",
            "recipe": self._recipe.to_dict(),
            "epochs_done": self._record.epochs_done,
            "minutes": self._record.minutes,
            "started_from": self._record.started_from,
            "started_from_sha256": self._record.started_from_sha256,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "history": [dataclasses.asdict(row) for row in self._history],
            "weights": weights,
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "torch_rng": torch.get_rng_state(),
        }
        save_state(self._out / "last.pt", state)
        lab_record.write_record(self._out, self._record)
        write_history(self._out, self._history)


def _splits(
    data: LabelledCrops, recipe: Recipe, *, out: Path, other_run: OtherRun | None
) -> DataSplits:
    """Returns a run's parts: those it has already, or the recipe's.

    What the run it starts from held out stays held out.
    """
    if (out / "last.pt").exists():
        return saved_splits(out, data, recipe)
    splits = splits_of(data, recipe)
    if other_run is None or other_run.split_folder is None:
        return splits
    if recipe.split.train_rows:
        raise UsageError(
            f"split.train_rows must be 0 with --start-from, got {recipe.split.train_rows}: what "
            f"{other_run.path} was trained on is trained on again"
        )
    return inherited(splits, other_run.split_folder)


def _first_record(
    splits: DataSplits, /, *, recipe_path: str, options: TrainingOptions
) -> lab_record.LabRecord:
    return lab_record.LabRecord(
        recipe=recipe_path,
        overrides=options.overrides,
        commit=lab_record.git_commit(),
        machine=lab_record.machine(options.worker.device),
        versions=lab_record.versions(),
        device=options.worker.device,
        processes=options.worker.world,
        amp=options.amp,
        dataset=", ".join(dict.fromkeys(splits.data.datasets.tolist())),
        train_rows=len(splits.split.train),
        validation_rows=len(splits.split.validation),
        test_rows=len(splits.split.test),
        shared_subjects=splits.shared_subjects(),
        notes=tuple(_never_shown(splits)),
    )


def _never_shown(splits: DataSplits) -> list[str]:
    """Returns a line per label that has only one class in a part, so cannot be learnt or judged."""
    lines = []
    for name in ("train", "validation", "test"):
        rows = getattr(splits.split, name)
        coded, occurs = splits.data.coded[rows], splits.data.occurs[rows]
        for place, label in enumerate(splits.data.labels):
            known = int(coded[:, place].sum())
            shown = int((occurs & coded)[:, place].sum())
            if shown in (0, known):
                lines.append(f"{label} has one class in the {name} part: {shown} of {known} rows")
    return lines
