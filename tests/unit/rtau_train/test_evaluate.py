import dataclasses

import numpy as np
import pytest
import torch

from rtau_train import evaluate
from rtau_train.checkpoint import load_model
from tests.support.training import parts


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
    rows = parts().split.validation
    crops = evaluate.cut_plain(data, rows, model.recipe)

    chosen = evaluate.calibrate(model.network(), crops, data.targets[rows], recipe=model.recipe)

    assert chosen.thresholds == pytest.approx(model.thresholds, abs=1e-6)
    assert all(scale > 0 for scale in chosen.cam_scale)


def test_the_report_covers_the_report_part_and_every_group(run_folder, data):
    model = load_model(run_folder)
    rows = parts().split.test

    figures = evaluate.report(model, parts())

    assert figures.rows == len(rows)
    assert [row.label for row in figures.labels] == list(model.recipe.network.labels)
    truth = data.targets[rows] >= 2
    np.testing.assert_allclose([row.base_rate for row in figures.labels], truth.mean(axis=0))
    for column in ("sex", "ethnicity", "age_group"):
        assert sum(g.rows for g in figures.groups if g.column == column) == len(rows)


def test_a_column_the_data_do_not_have_is_left_out(run_folder, data):
    without = dataclasses.replace(data, columns={"sex": data.columns["sex"]})

    figures = evaluate.report(load_model(run_folder), dataclasses.replace(parts(), data=without))

    assert {group.column for group in figures.groups} == {"sex"}
