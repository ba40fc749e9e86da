import dataclasses
import shutil

import pytest

from rtau.errors import UsageError
from rtau_train.card.stages import stages
from rtau_train.fitting import lab_record
from rtau_train.models.checkpoint import load_model, save_model


@pytest.fixture
def two_runs(run_folder, tmp_path):
    """A run, and one that began with its weights."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        shutil.copytree(run_folder, folder)
    record = lab_record.read_record(second)
    origin = {
        "started_from": "first",  # found beside the run, for records hold no path of a machine
        "started_from_sha256": load_model(first).weights_sha256(),
    }
    lab_record.write_record(
        second,
        dataclasses.replace(record, recipe="second.toml", overrides=("fit.epochs=3",), **origin),
    )
    return first, second


def test_the_way_is_followed_back_to_its_beginning(two_runs):
    way, from_imagenet, _ = stages(two_runs[1])

    assert [stage.recipe for stage in way] == ["train/recipes/small.toml", "second.toml"]
    assert [stage.changes for stage in way] == [(), ("fit.epochs=3",)]
    assert not from_imagenet


def test_a_beginning_with_imagenet_is_found_behind_later_runs(two_runs):
    model = load_model(two_runs[0])
    network = dataclasses.replace(model.recipe.network, weights="imagenet")
    recipe = dataclasses.replace(model.recipe, network=network)
    save_model(two_runs[0] / "model.pt", dataclasses.replace(model, recipe=recipe))

    assert stages(two_runs[1])[1]


def test_weights_that_changed_since_are_refused(two_runs):
    model = load_model(two_runs[0])
    weights = {name: value * 2 for name, value in model.weights.items()}
    save_model(two_runs[0] / "model.pt", dataclasses.replace(model, weights=weights))

    with pytest.raises(UsageError, match="not the weights that the next run began with"):
        stages(two_runs[1])
