import dataclasses

import numpy as np
import pytest
import torch

from rtau.errors import UsageError
from rtau_train.datasets.splits import splits_of
from rtau_train.evaluation import evaluate
from rtau_train.evaluation.parts import part_of
from rtau_train.models import build
from rtau_train.models.checkpoint import Model, load_model
from tests.support.training import small_recipe, splits


def test_predictions_do_not_depend_on_the_batch(run_folder, data, monkeypatch):
    model = load_model(run_folder)
    crops = evaluate.cut_plain(data, np.arange(10), model.recipe)
    together = evaluate.predict(model.network(), crops)
    monkeypatch.setattr(evaluate, "BATCH", 3)
    in_parts = evaluate.predict(model.network(), crops)

    np.testing.assert_allclose(together.logits, in_parts.logits, atol=1e-4)
    np.testing.assert_allclose(together.cam_peaks, in_parts.cam_peaks, atol=1e-5)
    with torch.inference_mode():
        logits = model.network()(torch.from_numpy(crops))[0]
    np.testing.assert_allclose(together.logits, logits, atol=1e-5)


def test_thresholds_are_chosen_on_their_own_part(run_folder, data):
    model = load_model(run_folder)
    rows = splits().split.validation
    crops = evaluate.cut_plain(data, rows, model.recipe)

    chosen = evaluate.calibrate(model.network(), crops, data.targets[rows], recipe=model.recipe)

    assert chosen.thresholds == pytest.approx(model.thresholds, abs=1e-6)
    assert all(scale > 0 for scale in chosen.cam_scale)


def test_the_figures_are_of_the_test_part_and_every_group(run_folder, data):
    model = load_model(run_folder)
    split = splits().split

    metrics = evaluate.report(model, splits())

    assert metrics.test.rows == metrics.test.subjects == len(split.test)
    assert metrics.train.rows == len(split.train)
    assert [row.label for row in metrics.labels] == list(model.recipe.network.labels)
    truth = data.targets[split.test] >= 2
    np.testing.assert_allclose([row.base_rate for row in metrics.labels], truth.mean(axis=0))
    for column in ("sex", "ethnicity", "age_group"):
        assert sum(g.rows for g in metrics.groups if g.column == column) == len(split.test)
    assert metrics.protocol == "image"
    assert metrics.record["weights_sha256"] == model.weights_sha256()
    assert [row.threshold for row in metrics.labels] == list(model.thresholds)


def test_the_answers_are_those_of_the_network_row_by_row(run_folder, data, monkeypatch):
    model = load_model(run_folder)
    rows = splits().split.test
    monkeypatch.setattr(evaluate, "READ_AT_ONCE", 7)

    said = evaluate.answers(model, splits())

    logits = evaluate.predict(model.network(), evaluate.cut_plain(data, rows, model.recipe)).logits
    np.testing.assert_allclose(said.probabilities, 1 / (1 + np.exp(-logits)), atol=1e-5)
    assert said.files == tuple(data.files[row] for row in rows)
    assert (said.present == (data.targets[rows] >= 2)).all()
    assert list(said.subjects) == list(data.subjects[rows])


def test_classes_have_probabilities_that_sum_to_one():
    logits = np.array([[1000.0, 0, 0], [0, 0, 0]], np.float32)

    found = evaluate.probabilities(logits, task="multi_class")

    np.testing.assert_allclose(found, [[1, 0, 0], [1 / 3] * 3])


def test_columns_are_chosen_by_name_and_those_there_are_by_default(run_folder, data):
    model = load_model(run_folder)
    without = dataclasses.replace(data, columns={"sex": data.columns["sex"]})
    few = dataclasses.replace(splits(), data=without)

    assert {group.column for group in evaluate.report(model, few).groups} == {"sex"}
    chosen = evaluate.group_columns(splits(), ["glasses"], part_of(splits(), "test"))
    groups = evaluate.report(model, splits(), groups=chosen).groups
    assert {group.column for group in groups} == {"glasses"}
    with pytest.raises(UsageError, match=r"no column age to group by; it has sex$"):
        evaluate.group_columns(few, ["age"], part_of(few, "test"))


def test_a_model_of_emotions_has_figures_of_classes(data):
    recipe = small_recipe(landmark_weight=0.0)
    labels = ("anger", "fear", "neutral")
    network = dataclasses.replace(
        recipe.network, labels=labels, task="multi_class", landmarks=False
    )
    recipe = dataclasses.replace(recipe, network=network)
    emotions = dataclasses.replace(
        data,
        labels=labels,
        task="multi_class",
        targets=np.eye(3, dtype=np.float32)[np.arange(len(data)) % 3],
    )
    model = Model(
        recipe=recipe,
        recipe_path="emotions.toml",
        epochs_done=0,
        thresholds=(0.0,) * 3,
        cam_scale=(1.0,) * 3,
        weights=build(network).state_dict(),
        is_dense=True,
    )

    metrics = evaluate.report(model, splits_of(emotions, recipe))

    assert metrics.labels == ()
    assert metrics.means is None
    assert metrics.classes.labels == labels
    assert np.sum(metrics.classes.matrix) == metrics.test.rows
    assert {group.column for group in metrics.groups} == {"sex", "ethnicity", "age_group"}
