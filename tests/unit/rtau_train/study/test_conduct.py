import dataclasses
import itertools
import json

import pytest
import torch

from rtau.errors import RtauError
from rtau_train.evaluation.run_metrics import read_metrics
from rtau_train.fitting import loop
from rtau_train.fitting.training_options import TrainingOptions
from rtau_train.report.results import read_results
from rtau_train.study import conduct as conducting
from rtau_train.study.conduct import Setting, conduct, folder_of, run_one
from rtau_train.study.plan import planned
from tests.support.training import ROOT

RECIPES = ROOT / "train" / "recipes"


@pytest.fixture
def setting(sets, quick, tmp_path):
    return Setting(
        study="paper1",
        out=tmp_path,
        data=sets,
        options=TrainingOptions(),
        reduction=quick,
        command="rtau-train study paper1",
    )


def experiments(quick, *protocols):
    return planned(
        "paper1", ("disfa+", "dem"), recipes=RECIPES, reduction=quick, protocols=protocols
    )


def run(setting, wanted):
    lines = []
    page, failed = conduct(setting, wanted, callback=loop.Callback(), say=lines.append)
    return page, failed, lines


@pytest.mark.slow
def test_every_experiment_is_run_judged_shown_and_reported(two_networks, setting, quick):
    wanted = experiments(quick, "image", "subject")

    page, failed, lines = run(setting, wanted)

    assert failed == ()
    assert len(lines) == len(wanted) == 8
    results = read_results(setting.out)
    assert all(one.metrics is not None for one in results.runs)
    assert page.read_text(encoding="utf-8").count("Rendered faces")
    for one in results.runs:
        assert one.metrics.means.macro_f1_all_positive > 0
        assert {cam.method for cam in one.metrics.cams} == {"gradcam", "gradcam++"}
        shown = one.experiment.network == "shufflenetv2_x1_0"
        shown = shown and one.experiment.protocol == "image"
        assert bool(one.panels) == shown
    by_person = [one for one in results.runs if one.experiment.protocol == "subject"]
    assert all(one.record["shared_subjects"] == 0 for one in by_person)
    by_image = [one for one in results.runs if one.experiment.protocol == "image"]
    assert all(one.record["shared_subjects"] > 0 for one in by_image)
    assert {counts.table for counts in results.study.counts} == {"3", "5", ""}
    assert ("network.input_size (all networks)", "224", "64") in [
        (row.what, row.published, row.used) for row in results.study.reduced
    ]


def test_what_is_done_is_not_done_again(two_networks, setting, quick, monkeypatch):
    wanted = experiments(quick, "image")[:1]
    run(setting, wanted)
    before = (folder_of(setting, wanted[0]) / "evaluation.json").read_bytes()
    monkeypatch.setattr(loop, "fit", lambda *_, **__: pytest.fail("trained again"))

    run(setting, wanted)

    assert (folder_of(setting, wanted[0]) / "evaluation.json").read_bytes() == before


def test_an_interrupted_experiment_goes_on(two_networks, setting, quick, monkeypatch):
    one = experiments(quick, "image")[1]
    with monkeypatch.context() as patch:
        patch.setattr(conducting.evaluate, "answers", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_one(setting, one, callback=loop.Callback())
    folder = folder_of(setting, one)
    assert (folder / "model.pt").exists()
    assert not (folder / "evaluation.json").exists()
    trained = (folder / "model.pt").read_bytes()

    run_one(setting, one, callback=loop.Callback())

    assert (folder / "model.pt").read_bytes() == trained
    assert read_metrics(folder / "evaluation.json").network == one.network


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def test_a_failed_experiment_is_named_and_the_others_run(two_networks, setting, quick, monkeypatch):
    wanted = experiments(quick, "image")[:2]
    real = loop.total_loss
    factors = itertools.chain([float("nan")], itertools.repeat(1.0))
    monkeypatch.setattr(loop, "total_loss", lambda *a, **k: real(*a, **k) * next(factors))

    page, failed, lines = run(setting, wanted)

    assert [one.key for one in failed] == [wanted[0].key]
    assert "the loss is nan" in failed[0].reason
    assert any(line.startswith(f"{wanted[0].key} failed") for line in lines)
    results = read_results(setting.out)
    assert [one.metrics is None for one in results.runs] == [True, False]
    assert page.exists()


def test_runs_of_other_changes_are_not_taken_for_these(two_networks, setting, quick):
    wanted = experiments(quick, "image")[:1]
    run(setting, wanted)
    other = dataclasses.replace(quick, overrides=(*quick.overrides, "fit.max_lr=0.002"))

    _, failed, _ = run(setting, experiments(other, "image")[:1])

    assert "made by another recipe or with other changes" in failed[0].reason


def test_a_data_set_without_any_au_is_told(two_networks, setting, quick, all_absent):
    setting = dataclasses.replace(setting, data=all_absent)
    wanted = [one for one in experiments(quick, "image") if one.dataset == "dem"][:1]

    run(setting, wanted)

    record = json.loads((folder_of(setting, wanted[0]) / "run.json").read_text())
    assert any(note.startswith("AU01 has one class in the train part") for note in record["notes"])


def test_a_loss_that_is_no_number_is_an_error_of_ours(monkeypatch, setting, quick, two_networks):
    monkeypatch.setattr(loop, "total_loss", lambda *_, **__: torch.tensor(float("nan")))

    with pytest.raises(RtauError, match="the loss is nan"):
        run_one(setting, experiments(quick, "image")[0], callback=loop.Callback())
