import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from rtau.contract import ModelContract
from rtau_train.commands.main import main
from rtau_train.datasets.splits import splits_of
from rtau_train.evaluation import evaluate
from rtau_train.models.checkpoint import load_model, save_model
from tests.support.cards import clip_folder, london_folder
from tests.support.training import FACES, faces, small_recipe

pytest.importorskip("onnxruntime", reason="measures an ONNX file")
pytest.importorskip("onnx", reason="exports with the onnx package")
pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]


@pytest.fixture(scope="module")
def run_folder(run_folder, tmp_path_factory):
    """The small run with batch norms that know the pictures.

    After three epochs their means and variances are still nearly what they began with, and all
    probabilities of an AU are the same to the sixth digit: whatever is asked of their order is
    answered by rounding.
    """
    folder = tmp_path_factory.mktemp("run") / "small"
    shutil.copytree(run_folder, folder)
    model, splits = load_model(folder), splits_of(faces(), small_recipe())
    net = model.network()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the mean of all that it sees
    with torch.no_grad():
        crops = evaluate.cut_plain(splits.data, splits.split.train, model.recipe)
        net.train().features(torch.from_numpy(crops))
    save_model(folder / "model.pt", dataclasses.replace(model, weights=net.state_dict()))
    return folder


@pytest.fixture(scope="module")
def model_file(run_folder, tmp_path_factory):
    from rtau_export.onnx import export  # noqa: PLC0415 - needs onnx, which may not be there

    # Thresholds of three epochs are where the probabilities are: a difference in the seventh digit
    # turns a decision, which the export refuses.
    model = dataclasses.replace(load_model(run_folder), thresholds=(0.5,) * 12)
    out = tmp_path_factory.mktemp("engines") / "small-au12.onnx"
    export(model, out, cam_method=None, crop=model.recipe.shipping.haar_crop)
    return out


@pytest.fixture(scope="module")
def carded(run_folder, model_file, tmp_path_factory):
    """The folder of a card that was written with all options."""
    folder = tmp_path_factory.mktemp("card")
    london, clips = london_folder(folder / "london"), clip_folder(folder / "clips")
    options = ["--london", str(london), "--clips", str(clips), "--json", str(folder / "card.json")]
    arguments = [str(model_file), str(run_folder), "--data", str(FACES), *options]
    assert main(["cardtest", *arguments, "--out", str(folder / "card.md")]) == 0
    return folder


def test_a_card_and_its_figures_are_written(carded, model_file):
    text = (carded / "card.md").read_text(encoding="utf-8")
    metrics = json.loads((carded / "card.json").read_text(encoding="utf-8"))

    assert text.startswith("# small-au12\n")
    assert "## Neutral and smiling photographs" in text
    assert "## Curves of rendered clips" in text
    assert metrics["model"]["name"] == "small-au12"
    assert metrics["measurement"]["machine"]
    assert metrics["measurement"]["commit"]
    assert metrics["london"]["people"] == 3
    assert metrics["clips"][0]["frames"] == 30


def test_the_figures_are_of_the_file_and_equal_those_of_torch(carded, run_folder):
    metrics = json.loads((carded / "card.json").read_text(encoding="utf-8"))["renders"]
    model, splits = load_model(run_folder), splits_of(faces(), small_recipe())
    said = evaluate.answers(model, splits)
    wanted = evaluate.report(model, splits, said=said)

    assert np.ptp(said.probabilities, axis=0).min() > 1e-3  # else rounding orders the pictures
    assert metrics["rows"] == wanted.test.rows
    for got, row in zip(metrics["labels"], wanted.labels, strict=True):
        assert got["threshold"] == 0.5
        assert got["base_rate"] == row.base_rate
        np.testing.assert_allclose(np.array(got["auc"], float), row.auc, equal_nan=True)


def test_the_same_command_says_the_same(carded, run_folder, model_file, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(run_folder, run)
    arguments = [str(model_file), str(run), "--data", str(FACES), "--out", str(tmp_path / "c.md")]

    assert main(["cardtest", *arguments]) == 0

    shown = capsys.readouterr()
    assert shown.out.splitlines() == [str(run / "small-au12.card.json"), str(tmp_path / "c.md")]
    assert "24 held-out renders" in shown.err
    again, before = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in (run / "small-au12.card.json", carded / "card.json")
    )
    assert again["renders"] == before["renders"]
    assert (again["london"], again["clips"], again["portraits"]) == (None, [], None)


def test_a_file_of_other_weights_is_refused(run_folder, tmp_path, capsys):
    bundled = FACES.parents[2] / "engines" / "shufflenetv2-au14.onnx"
    card = tmp_path / "card.md"
    arguments = [str(bundled), str(run_folder), "--data", str(FACES), "--out", str(card)]

    assert main(["cardtest", *arguments]) == 1

    assert "exported from other weights" in capsys.readouterr().err
    assert not card.exists()


@pytest.mark.parametrize(
    ("model", "out", "said"),
    [
        ("none.onnx", "card.md", "no such model file"),
        ("model.engine", "card.md", "a card is of a file NAME.onnx"),
        ("shufflenetv2-au14", "nowhere/card.md", "must be a file in a folder that exists"),
    ],
)
def test_what_would_fail_late_fails_at_once(
    run_folder, tmp_path, monkeypatch, capsys, model, out, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.engine").write_bytes(b"")

    assert main(["cardtest", model, str(run_folder), "--data", str(FACES), "--out", out]) == 2

    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_renders_made_for_the_card_alone_are_reported_in_place_of_the_test_part(
    run_folder, model_file, tmp_path, capsys
):
    others = tmp_path / "others"
    shutil.copytree(FACES, others)
    card = tmp_path / "card.md"
    asked = ["cardtest", str(model_file), str(run_folder), "--data", str(FACES), "--out", str(card)]

    assert main([*asked, "--renders", str(FACES)]) == 2
    assert "must be pictures that the run has not seen" in capsys.readouterr().err

    assert main([*asked, "--renders", str(others)]) == 0
    assert "heads that no run has seen" in card.read_text(encoding="utf-8")


def test_a_model_of_emotions_has_no_card(run_folder, model_file):
    from rtau.errors import UsageError  # noqa: PLC0415
    from rtau_train.card.measure import Given, check_same_weights  # noqa: PLC0415

    text = model_file.with_suffix(".json").read_text(encoding="utf-8")
    emotions = dataclasses.replace(ModelContract.from_json(text, origin="test"), task="multi_class")
    given = Given(
        model_file=model_file,
        run_folder=run_folder,
        model=load_model(run_folder),
        splits=splits_of(faces(), small_recipe()),
        folders=[FACES],
    )

    with pytest.raises(UsageError, match="a model of Action Units only"):
        check_same_weights(given, emotions)
