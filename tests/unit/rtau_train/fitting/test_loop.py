import csv
import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import RtauError, UsageError
from rtau_train.datasets.batches import TrainingSet
from rtau_train.evaluation import evaluate
from rtau_train.fitting import lab_record, loop
from rtau_train.fitting.optimise import learning_rate
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.models import build
from rtau_train.models.checkpoint import load_model, load_state
from rtau_train.models.loss import total_loss
from tests.support.training import NO_AUGMENT, small_recipe


class StopAfter(loop.Callback):
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
    rates = [learning_rate(plan, progress=k / 100) for k in range(101)]

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
    crops, targets, landmarks = next(TrainingSet(recipe, data, np.arange(8)).batches(0))
    targets = (targets >= 2) * 5.0  # soft targets would leave a floor of entropy
    for _ in range(40):
        loss = total_loss(net(crops), targets, landmarks, fit=recipe.fit)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    assert loss.item() < 0.05
    assert torch.equal(net(crops)[0] > 0, targets > 0)


def test_a_resumed_run_ends_in_the_same_bits(run_folder, data, tmp_path):
    out = tmp_path / "halted"
    with pytest.raises(KeyboardInterrupt):
        fit(small_recipe(), data, out, callback=StopAfter(2))
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


class CellsOfSaved(loop.Callback):
    """Notes the cells of a saved network's map after every epoch."""

    def __init__(self, out):
        self._out, self.cells = out, []

    def epoch(self, _done, /):
        self.cells.append(cells_of(load_model(self._out).network()))


def cells_of(net):
    with torch.inference_mode():
        return net.eval().features(torch.zeros(1, 48, 48, 3, dtype=torch.uint8)).shape[2]


@pytest.mark.parametrize("dense_epochs", [0, 1, 2])
def test_a_run_is_judged_and_saved_in_the_form_it_learnt_in(
    data, tmp_path, monkeypatch, dense_epochs
):
    calibrate, judged, saved = evaluate.calibrate, [], CellsOfSaved(tmp_path)
    monkeypatch.setattr(
        evaluate,
        "calibrate",
        lambda net, *rest, **how: judged.append(cells_of(net)) or calibrate(net, *rest, **how),
    )

    recipe = small_recipe(epochs=2, dense_epochs=dense_epochs, batch=72)
    fit(recipe, data, tmp_path, callback=saved)

    plain, dense = 2, 3  # cells of crops of 48 px: S / 32 and S / 16, rounded up
    assert judged == saved.cells == [plain] * (2 - dense_epochs) + [dense] * dense_epochs


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


def small_net(**network):
    recipe = dataclasses.replace(small_recipe(epochs=2, dense_epochs=0), augment=NO_AUGMENT)
    return dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, **network))


def with_fit(recipe, **fit):
    return dataclasses.replace(recipe, fit=dataclasses.replace(recipe.fit, **fit))


def test_two_halves_of_a_batch_make_one_step(data, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_, **__: taken.append(1))
    whole = small_net()
    fit(with_fit(whole, epochs=1, batch=36), data, tmp_path / "whole")
    steps, taken[:] = len(taken), []

    fit(with_fit(whole, epochs=1, batch=18, accumulate=2), data, tmp_path / "halves")

    assert (steps, len(taken)) == (2, 2)


def test_training_ends_when_the_score_no_longer_rises(data, tmp_path, monkeypatch):
    scores = iter([0.5, 0.6, 0.55, 0.6, 0.9])
    real = evaluate.calibrate
    monkeypatch.setattr(
        evaluate,
        "calibrate",
        lambda *a, **k: dataclasses.replace(real(*a, **k), score=next(scores)),
    )

    model = fit(with_fit(small_net(), epochs=5, patience=2, keep="best"), data, tmp_path / "run")

    assert load_state(tmp_path / "run" / "last.pt", kind="state")["epochs_done"] == 4
    assert model.epochs_done == 2


def test_the_head_alone_is_trained_first(data, tmp_path):
    recipe = with_fit(small_net(), epochs=1, frozen_epochs=1)
    torch.manual_seed(recipe.fit.seed)
    begun = build(recipe.network).state_dict()

    model = fit(recipe, data, tmp_path / "run")

    moved = {name for name, value in model.weights.items() if not torch.equal(value, begun[name])}
    assert {"head.out.weight", "head.hidden.weight"} <= moved
    assert not any(name.startswith("body.") for name in moved)


def test_a_recipe_that_wants_landmarks_is_refused_without(data, tmp_path):
    without = dataclasses.replace(data, landmarks=None)

    with pytest.raises(UsageError, match="data have no landmarks68"):
        fit(small_recipe(), without, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_pictures_are_taken_whole_without_a_crop_rule(data, tmp_path):
    recipe = with_fit(small_net(), epochs=1, landmark_weight=0.0)
    network = dataclasses.replace(recipe.network, landmarks=False)
    recipe = dataclasses.replace(recipe, crop=None, network=network)

    model = fit(recipe, dataclasses.replace(data, landmarks=None), tmp_path / "run")

    assert model.epochs_done == 1
    assert "landmarks.weight" not in model.weights


def test_emotions_are_learnt_with_a_softmax(data, tmp_path):
    labels = ("happiness", "neutral")
    smiles = data.targets[:, data.labels.index("AU12")] >= 2
    emotions = dataclasses.replace(
        data,
        labels=labels,
        task="multi_class",
        targets=np.stack([smiles, ~smiles], axis=1).astype(np.float32),
    )
    recipe = with_fit(small_net(task="multi_class", labels=labels), class_weights="balanced")

    model = fit(recipe, emotions, tmp_path / "run")

    rows = np.genfromtxt(tmp_path / "run" / "history.csv", delimiter=",", names=True)
    assert 0 <= rows["score"].min() <= rows["score"].max() <= 1
    assert model.thresholds == (0.0, 0.0)


def test_labels_that_never_occur_are_told_and_recorded(data, tmp_path):
    targets = data.targets.copy()
    targets[:, 3] = 0
    heard = []

    class Listener(loop.Callback):
        def note(self, text, /):
            heard.append(text)

    fit(
        with_fit(small_net(), epochs=1),
        dataclasses.replace(data, targets=targets),
        tmp_path / "run",
        callback=Listener(),
    )

    said = "AU05 has one class in the train part: 0 of 72 rows"
    assert said in heard
    assert said in lab_record.read_record(tmp_path / "run").notes


def test_the_record_says_what_was_changed_and_computed_with(data, tmp_path):
    options = TrainingOptions(
        overrides=("fit.epochs=1",), amp=True, channels_last=True, loader_workers=2
    )

    fit(with_fit(small_net(), epochs=1), data, tmp_path / "run", options=options)

    record = lab_record.read_record(tmp_path / "run")
    assert record.overrides == ("fit.epochs=1",)
    assert record.amp
    assert record.epochs_done == 1
    assert record.minutes > 0
    assert record.train_rows + record.validation_rows + record.test_rows == len(data)
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_more_threads_cut_the_same_batches(data):
    recipe = small_recipe(batch=8)
    one = TrainingSet(recipe, data, np.arange(40))
    three = TrainingSet(recipe, data, np.arange(40), threads=3)

    for a, b in zip(one.batches(1), three.batches(1), strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


def test_pictures_that_do_not_fit_in_memory_are_read_anew(data, monkeypatch):
    kept = list(TrainingSet(small_recipe(batch=8), data, np.arange(24)).batches(0))
    monkeypatch.setattr("rtau_train.datasets.batches.KEPT_BYTES", 0)

    read = list(TrainingSet(small_recipe(batch=8), data, np.arange(24)).batches(0))

    assert all(torch.equal(a[0], b[0]) for a, b in zip(kept, read, strict=True))
