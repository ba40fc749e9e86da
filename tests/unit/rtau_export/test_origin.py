import dataclasses

import pytest

from rtau_export._origin import origin_of
from rtau_train.models.checkpoint import Model
from rtau_train.recipe import read_recipe
from tests.support.training import ROOT, lab_record

pytestmark = pytest.mark.needs_torch

RECIPE = ROOT / "train" / "recipes" / "resnet101-disfa.toml"
RECORD = lab_record(
    recipe="resnet101-disfa.toml",
    dataset="disfa+",
    train_rows=2376,
    validation_rows=340,
    test_rows=679,
)


def model_of(*overrides):
    return Model(
        recipe=read_recipe(RECIPE, overrides=overrides),
        recipe_path="elsewhere.toml",
        epochs_done=1,
        thresholds=(0.5,) * 12,
        cam_scale=(1.0,) * 12,
        weights={},
        is_dense=False,
    )


@pytest.mark.parametrize(
    ("overrides", "run", "said"),
    [
        ((), {}, "DISFA+, nine adults; 2,376 pictures of disfa+; ImageNet first weights"),
        (
            ("network.weights=none", "network.unfreeze=all"),
            {},
            "DISFA+, nine adults; 2,376 pictures of disfa+; random first weights",
        ),
        ((), {"started_from": "runs/first"}, "pictures of disfa+; first weights of runs/first"),
        ((), {"dataset": "folder"}, "2,376 pictures of folder; ImageNet first weights"),
        ((), {"dataset": "disfa+, disfa+-2"}, "DISFA+, nine adults; 2,376 pictures of disfa+, d"),
    ],
)
def test_a_contract_says_what_the_run_was(overrides, run, said):
    record = dataclasses.replace(RECORD, overrides=overrides, **run)

    origin = origin_of(model_of(*overrides), record)

    assert said in origin["training_data"]
    assert origin["training_data"].startswith("DISFA+") is (run.get("dataset") != "folder")
    assert origin["recipe"] == "resnet101-disfa.toml"
    assert origin["recipe_changes"] == overrides
    is_known = run.get("dataset") != "folder"
    assert origin["licence"].startswith("that of the data set: DISFA+") is is_known
    assert ("not stated" in origin["licence"]) is not is_known


def test_without_a_run_it_says_what_the_recipe_says():
    origin = origin_of(model_of(), None)

    assert origin["recipe"] == "elsewhere.toml"
    assert origin["training_data"] == "DISFA+, nine adults; ImageNet first weights"
