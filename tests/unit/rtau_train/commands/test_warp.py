import csv

import numpy as np
import pytest

from rtau_train.commands import _finding_points, main
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.prepare.portraits import LABELS
from rtau_train.geometry_teacher import teacher
from rtau_train.warping import folder
from tests.support.mesh_points import fitted_teacher, found_points
from tests.support.recorded_pictures import PORTRAITS


@pytest.fixture(autouse=True)
def _recorded(monkeypatch):
    monkeypatch.setattr(_finding_points, "find_points", found_points)
    # Four portraits, not all of them neutral, by a teacher of 90 renders.
    monkeypatch.setattr(folder.faces, "MOST_SCORE", 99.0)
    monkeypatch.setattr(folder, "MOST_YAW_DEG", 40.0)
    monkeypatch.setattr(folder, "MOST_PITCH_DEG", 40.0)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher") / "teacher.json"
    teacher.write(path, fitted_teacher())
    return path


def warp(out, judge, assets, *more):
    inputs = ("--teacher", str(judge), "--assets", str(assets), "--landmarker-python", "python")
    return main.main(["warp", str(PORTRAITS), "--out", str(out), *inputs, "--size", "64", *more])


def test_every_pair_is_a_neutral_and_a_warped_picture(asset_folder, judge, tmp_path, capsys):
    out = tmp_path / "pairs"

    assert warp(out, judge, asset_folder, "--per-face", "5") == 0

    assert capsys.readouterr().out.rstrip().endswith(str(out))
    pairs = list(csv.DictReader((out / "pairs.csv").read_text("utf-8").splitlines()))
    data = read_folder(out, labels=LABELS)
    bases = {pair["base"] for pair in pairs}
    assert len(pairs) == 5 * len(bases) > 0
    assert len(data) == len(pairs) + len(bases)
    assert set(data.subjects) == bases
    images, points = data.read(np.arange(len(data)))
    assert images.shape[1:] == (64, 64, 3)
    assert ((points > 0) & (points < 64)).mean() > 0.99
    rows = {file: row for row, file in enumerate(data.files)}
    for pair in pairs:
        row = rows[pair["warped"]]
        assert pair["neutral"] in rows
        for place, label in enumerate(LABELS):
            if label in ("AU25", "AU26"):
                continue
            added = max(float(pair[f"{label}_{side}"]) for side in "LR")
            if added > 0:
                assert data.targets[row, place] == pytest.approx(added, abs=0.01)


def test_one_seed_makes_the_same_pairs(asset_folder, judge, tmp_path):
    outs = [tmp_path / "one", tmp_path / "other"]
    for out in outs:
        assert warp(out, judge, asset_folder, "--per-face", "1", "--seed", "4") == 0

    one, other = (out.joinpath("pairs.csv").read_bytes() for out in outs)
    assert one == other


@pytest.mark.parametrize("flag", ["--per-face", "--size", "--seed"])
def test_numbers_out_of_range_are_named(asset_folder, judge, tmp_path, capsys, flag):
    assert warp(tmp_path, judge, asset_folder, flag, "-3") == 2
    assert f"{flag} must be between" in capsys.readouterr().err


def test_without_a_neutral_face_nothing_is_written(
    asset_folder, judge, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(folder, "MOST_YAW_DEG", 0.0)

    assert warp(tmp_path / "out", judge, asset_folder) == 2

    assert "mouth shut and at rest; give portraits" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
