import dataclasses
import json
import shutil

import numpy as np
import pytest

from rtau_train.commands.main import main
from rtau_train.models.checkpoint import load_model, save_model
from tests.support.training import FACES, RECIPE


def test_fit_evaluate_and_resume_from_the_command_line(tmp_path, capsys):
    recipe = tmp_path / "quick.toml"
    text = RECIPE.read_text(encoding="utf-8")
    for old, new in (
        ("input_size = 112", "input_size = 48"),
        ("\nepochs = ", "\nepochs = 1 #"),
        ("dense_epochs = ", "dense_epochs = 0 #"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    recipe.write_text(text, encoding="utf-8")
    run = tmp_path / "run"
    fit = ["fit", str(recipe), "--data", str(FACES), "--out", str(run)]

    assert main(fit) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(run / "model.pt")
    assert "epoch 1/1" in shown.err
    assert main(fit) == 2
    assert "add --resume" in capsys.readouterr().err
    assert main([*fit, "--resume"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(run), "--data", str(FACES), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["labels"]) == 12
    assert main(["evaluate", str(run), "--data", str(FACES)]) == 0
    assert "| AU12 | lip corner puller |" in capsys.readouterr().out


def test_calibrate_gives_an_old_checkpoint_what_it_lacks(run_folder, tmp_path, capsys):
    shutil.copytree(run_folder, tmp_path / "run")
    model = load_model(run_folder)
    assert model.cam_plus_plus_scale is not None
    old = dataclasses.replace(model, cam_plus_plus_scale=None)
    save_model(tmp_path / "run" / "model.pt", old)

    assert main(["calibrate", str(tmp_path / "run"), "--data", str(FACES)]) == 0

    again = load_model(tmp_path / "run")
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "model.pt")
    np.testing.assert_allclose(again.cam_plus_plus_scale, model.cam_plus_plus_scale, rtol=1e-4)
    np.testing.assert_allclose(again.thresholds, model.thresholds, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fit", "none.toml", "--data", str(FACES), "--out", "run"], 2, "none.toml"),
        (["fit", str(RECIPE), "--data", "nowhere", "--out", "run"], 1, "nowhere/labels.csv"),
        (["evaluate", "nowhere", "--data", str(FACES)], 1, "no such checkpoint"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    tmp_path, monkeypatch, capsys, arguments, code, said
):
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == code

    shown = capsys.readouterr().err
    assert said in shown
    assert shown.startswith("rtau-train: ")
    assert shown.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_usage_errors_leave_with_two(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["fit"])

    assert caught.value.code == 2
    assert "RECIPE" in capsys.readouterr().err


def test_an_unwritable_folder_is_one_line(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert main(["fit", str(RECIPE), "--data", str(FACES), "--out", str(blocked / "run")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
