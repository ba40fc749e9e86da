"""Training that begins with the weights of another run."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from rtau.errors import ConfigError, SourceOpenError, UsageError
from rtau_train.commands.main import main
from rtau_train.fitting import lab_record, loop
from rtau_train.fitting.start_from import read_other_run
from rtau_train.models import build
from rtau_train.models.checkpoint import load_model, save_model
from tests.support.training import FACES, RECIPE, small_recipe

NETWORK = small_recipe().network


def frozen_recipe(**network):
    """A recipe of one epoch that trains the head alone, so that the body stays as it began."""
    recipe = small_recipe(epochs=1, dense_epochs=0, frozen_epochs=1)
    return dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, **network))


def fit(recipe, data, out, **how):
    return loop.fit(recipe, data, recipe_path="small.toml", out=out, **how)


@pytest.fixture(scope="module")
def without_landmarks(run_folder, tmp_path_factory):
    """The model of the finished run as one that predicts no landmarks."""
    model = load_model(run_folder)
    recipe = dataclasses.replace(
        model.recipe,
        network=dataclasses.replace(model.recipe.network, landmarks=False),
        fit=dataclasses.replace(model.recipe.fit, landmark_weight=0.0),
    )
    weights = {name: v for name, v in model.weights.items() if not name.startswith("landmarks.")}
    path = tmp_path_factory.mktemp("plain") / "model.pt"
    save_model(path, dataclasses.replace(model, recipe=recipe, weights=weights))
    return path


@pytest.mark.parametrize("size", [48, 64])
def test_the_network_begins_with_all_weights_of_the_other_run(run_folder, size):
    network = dataclasses.replace(NETWORK, input_size=size)

    begun = read_other_run(run_folder, network).start(network).state_dict()

    wanted = load_model(run_folder).weights
    assert begun.keys() == wanted.keys()
    assert all(torch.equal(value, wanted[name]) for name, value in begun.items())
    assert "landmarks.weight" in begun


def test_landmarks_begin_with_random_numbers_where_the_other_run_has_none(without_landmarks):
    torch.manual_seed(4)
    begun = read_other_run(without_landmarks, NETWORK).start(NETWORK).state_dict()
    torch.manual_seed(4)
    built = build(NETWORK).state_dict()

    assert torch.equal(begun["landmarks.weight"], built["landmarks.weight"])
    assert not torch.equal(begun["head.out.weight"], built["head.out.weight"])


def test_landmarks_of_the_other_run_are_left_where_nobody_wants_them(run_folder):
    network = dataclasses.replace(NETWORK, landmarks=False)

    begun = read_other_run(run_folder, network).start(network)

    assert begun.landmarks is None


def test_what_the_recipe_freezes_is_frozen(run_folder):
    network = dataclasses.replace(NETWORK, weights="imagenet", unfreeze="last_block")

    net = read_other_run(run_folder, network).start(network)

    assert not net.body.conv1[0].weight.requires_grad
    assert net.body.conv5[0].weight.requires_grad


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "resnet18"}, "network.name is shufflenetv2_x1_0 there and resnet18 in the rec"),
        ({"hidden": 0}, "network.hidden is 512 there and 0 in the recipe"),
        ({"labels": ("AU12",)}, "network.labels is AU01, .* there and AU12 in the recipe"),
        ({"pooling": "max", "hidden": 8}, "network.hidden is .*; network.pooling is average there"),
        ({"mean": (0.0, 0.0, 0.0)}, "network.mean is 0.485, 0.456, 0.406 there"),
    ],
)
def test_another_network_or_head_is_refused_by_what_differs(run_folder, changes, said):
    network = dataclasses.replace(NETWORK, **changes)

    with pytest.raises(ConfigError, match=said) as caught:
        read_other_run(run_folder, network)
    assert str(run_folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_epoch_begins_with_them_and_the_record_says_so(run_folder, data, tmp_path):
    recipe = frozen_recipe(input_size=64)

    model = fit(recipe, data, tmp_path / "run", start_from=run_folder)

    other = load_model(run_folder)
    body = {name for name in model.weights if name.startswith("body.")}
    assert all(torch.equal(model.weights[name], other.weights[name]) for name in body)
    assert not torch.equal(model.weights["head.out.weight"], other.weights["head.out.weight"])
    assert model.recipe == recipe
    record = lab_record.read_record(tmp_path / "run")
    assert record.started_from == run_folder.name
    assert record.started_from_sha256 == other.weights_sha256()


def test_a_resumed_run_keeps_its_own_state_and_origin(run_folder, data, tmp_path):
    class Stop(loop.Callback):
        def epoch(self, done, /):
            raise KeyboardInterrupt

    recipe = small_recipe(epochs=2, dense_epochs=0)
    whole = fit(recipe, data, tmp_path / "whole", start_from=run_folder)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, data, tmp_path / "halted", start_from=run_folder, callback=Stop())

    gone = tmp_path / "gone"
    resumed = fit(recipe, data, tmp_path / "halted", resume=True, start_from=gone)

    assert resumed.weights_sha256() == whole.weights_sha256()
    record = lab_record.read_record(tmp_path / "halted")
    assert record.started_from == run_folder.name
    assert record.started_from_sha256 == load_model(run_folder).weights_sha256()


def test_a_run_that_began_by_its_recipe_names_no_other(run_folder):
    record = lab_record.read_record(run_folder)

    assert (record.started_from, record.started_from_sha256) == ("", "")


def test_a_missing_run_is_named_before_anything_is_written(data, tmp_path):
    with pytest.raises(SourceOpenError, match=r"gone/model\.pt: no such checkpoint"):
        fit(frozen_recipe(), data, tmp_path / "run", start_from=tmp_path / "gone" / "model.pt")
    assert not (tmp_path / "run").exists()


def test_the_command_line_refuses_another_network(run_folder, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = [str(RECIPE), "--data", str(FACES), "--out", str(out), "--set", "network.hidden=0"]

    assert main(["fit", *arguments, "--start-from", str(run_folder)]) == 2

    shown = capsys.readouterr().err
    assert "network.hidden is 512 there and 0 in the recipe" in shown
    assert shown.count("\n") == 1
    assert not out.exists()


def test_what_the_other_run_held_out_stays_held_out(run_folder, data, tmp_path):
    plan = dataclasses.replace(small_recipe().split, seed=99)

    fit(
        dataclasses.replace(frozen_recipe(), split=plan),
        data,
        tmp_path / "run",
        start_from=run_folder,
    )

    earlier, later = (
        json.loads((folder / "split.json").read_text()) for folder in (run_folder, tmp_path / "run")
    )
    assert later["test"] == earlier["test"]
    assert later["validation"] == earlier["validation"]


def test_weights_of_unknown_pictures_are_noted(without_landmarks, data, tmp_path):
    fit(frozen_recipe(), data, tmp_path / "run", start_from=without_landmarks)

    notes = lab_record.read_record(tmp_path / "run").notes
    assert any("has seen is not known: no split.json" in note for note in notes)


def test_fewer_rows_cannot_be_asked_of_a_run_that_starts_from_another(run_folder, data, tmp_path):
    recipe = frozen_recipe()
    recipe = dataclasses.replace(recipe, split=dataclasses.replace(recipe.split, train_rows=10))
    with pytest.raises(UsageError, match=r"split.train_rows must be 0 with --start-from, got 10"):
        fit(recipe, data, tmp_path / "run", start_from=run_folder)


def test_a_label_that_the_new_data_cannot_judge_keeps_its_threshold(run_folder, data, tmp_path):
    k = data.labels.index("AU12")
    rows = np.flatnonzero(~data.occurs[:, k])  # AU12 never occurs
    model = load_model(run_folder)
    kept = dataclasses.replace(model, thresholds=tuple(0.01 * (n + 1) for n in range(12)))
    save_model(tmp_path / "other.pt", kept)

    begun = fit(
        frozen_recipe(), data.take(rows), tmp_path / "run", start_from=tmp_path / "other.pt"
    )

    assert begun.thresholds[k] == pytest.approx(0.01 * (k + 1))
    assert begun.thresholds != kept.thresholds
