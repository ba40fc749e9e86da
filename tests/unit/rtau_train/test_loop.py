import csv
import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import RtauError, UsageError
from rtau_train import loop
from rtau_train.batches import TrainingSet
from rtau_train.checkpoint import load_model
from rtau_train.loss import total_loss
from rtau_train.models import build
from tests.support.training import NO_AUGMENT, small_recipe


class StopAfter(loop.Watcher):
    """Interrupts a run after some epochs, as Ctrl-C would."""

    def __init__(self, epochs):
        self._epochs = epochs

    def epoch(self, done, /):
        if done.epoch == self._epochs:
            raise KeyboardInterrupt


def fit(recipe, data, out, **how):
    return loop.fit(recipe, data, recipe_path="small.toml", out=out, **how)


def test_the_rate_rises_to_its_peak_and_falls_to_nothing():
    plan = small_recipe(warm_up=0.25, max_lr=4e-3).fit
    rates = [loop.learning_rate(plan, progress=k / 100) for k in range(101)]

    assert rates[0] == pytest.approx(4e-3 / 25)
    assert rates[25] == pytest.approx(4e-3) == max(rates)
    assert rates[100] < 1e-7
    assert np.all(np.diff(rates[:26]) > 0)
    assert np.all(np.diff(rates[25:]) < 0)


def test_eight_samples_are_learnt_by_heart(data):
    recipe = dataclasses.replace(small_recipe(batch=8), augment=NO_AUGMENT)
    torch.manual_seed(3)
    net = build(dataclasses.replace(recipe.network, dropout=0.0))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    crops, intensities, landmarks = next(TrainingSet(recipe, data, np.arange(8)).batches(0))
    intensities = (intensities >= 2) * 5.0  # soft targets would leave a floor of entropy
    for _ in range(40):
        loss = total_loss(net(crops), intensities, landmarks, fit=recipe.fit)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    assert loss.item() < 0.05
    assert torch.equal(net(crops)[0] > 0, intensities > 0)


def test_a_resumed_run_ends_in_the_same_bits(run_folder, data, tmp_path):
    out = tmp_path / "halted"
    with pytest.raises(KeyboardInterrupt):
        fit(small_recipe(), data, out, watcher=StopAfter(2))
    assert load_model(out).epochs_done == 2

    resumed = fit(small_recipe(), data, out, resume=True)

    whole = load_model(run_folder)
    assert resumed.epochs_done == whole.epochs_done == 3
    assert resumed.weights_sha256() == whole.weights_sha256()
    assert resumed.thresholds == whole.thresholds


def test_two_runs_with_one_seed_agree_and_another_seed_differs(data, tmp_path):
    short = {"epochs": 1, "dense_epochs": 0, "batch": 72}
    first = fit(small_recipe(**short), data, tmp_path / "a")
    again = fit(small_recipe(**short), data, tmp_path / "b")
    other = fit(small_recipe(**short, seed=7), data, tmp_path / "c")

    assert first.weights_sha256() == again.weights_sha256()
    assert first.weights_sha256() != other.weights_sha256()


def test_history_has_a_row_per_epoch(run_folder):
    with (run_folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_a_finished_run_is_not_overwritten(run_folder, data):
    with pytest.raises(UsageError, match="add --resume or choose another --out"):
        fit(small_recipe(), data, run_folder)


def test_a_run_does_not_resume_with_another_recipe(run_folder, data):
    with pytest.raises(UsageError, match="made by another recipe"):
        fit(small_recipe(max_lr=1e-3), data, run_folder, resume=True)


def test_resuming_a_finished_run_changes_nothing(run_folder, data):
    before = (run_folder / "model.pt").read_bytes()

    fit(small_recipe(), data, run_folder, resume=True)

    assert (run_folder / "model.pt").read_bytes() == before


def test_a_loss_that_is_no_number_ends_the_run_with_advice(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "total_loss", lambda *_, **__: torch.tensor(float("nan")))

    with pytest.raises(RtauError, match=r"the loss is nan in epoch 1, step 1; lower fit.max_lr"):
        fit(small_recipe(), data, tmp_path / "run")
    assert not (tmp_path / "run" / "model.pt").exists()


def test_the_same_epoch_yields_the_same_batches(data):
    recipe = small_recipe(batch=4)
    rows = np.arange(20)

    first = list(TrainingSet(recipe, data, rows).batches(2))
    again = list(TrainingSet(recipe, data, rows).batches(2))
    other = list(TrainingSet(recipe, data, rows).batches(3))

    assert len(first) == 5
    for one, same in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
