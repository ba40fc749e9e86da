import csv
import json
import shutil

import numpy as np
import pytest

from rtau_train.commands import _finding_points, main
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.datasets.prepare.portraits import LABELS
from rtau_train.geometry_teacher import teacher
from tests.support.mesh_points import found_points
from tests.support.recorded_pictures import PORTRAITS, RENDERS, ROWS

PEOPLE = 12


@pytest.fixture(autouse=True)
def _recorded(monkeypatch):
    monkeypatch.setattr(_finding_points, "find_points", found_points)


@pytest.fixture(scope="module")
def london(tmp_path_factory):
    """A stand-in of the London set: renders, of which the neutral ones are called so."""
    folder = tmp_path_factory.mktemp("sets") / "london"
    (folder / "crops").mkdir(parents=True)
    neutral = [row["file"] for row in ROWS if row["preset"] == "neutral"]
    smiling = sorted(ROWS, key=lambda row: -float(row["AU12"]))
    lines = ["file,source,sheet"]
    for person in range(1, PEOPLE + 1):
        faces = {
            "neutral_front": (neutral[person % len(neutral)], "03"),
            "smiling_front": (smiling[person]["file"], "08"),
        }
        for word, (file, take) in faces.items():
            name = f"{word}_{person}.jpg"
            shutil.copy(RENDERS / "crops" / file, folder / "crops" / name)
            lines.append(f"{name},london,{word}/{person:03d}_{take}.jpg")
    (folder / "blendshapes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def label(out, london, *more, renders=RENDERS):
    inputs = ("--renders", str(renders), "--london", str(london), "--landmarker-python", "python")
    return main.main(["label-geometry", str(PORTRAITS), "--out", str(out), *inputs, *more])


def test_it_writes_a_folder_that_training_reads(london, tmp_path, capsys):
    out = tmp_path / "geometry"

    assert label(out, london, "--size", "96") == 0

    printed = capsys.readouterr().out
    assert "labelled" in printed
    assert printed.rstrip().endswith(str(out))
    data = read_folder(out, labels=LABELS)
    images, points = data.read(np.arange(len(data)))
    assert images.shape[1:] == (96, 96, 3)
    # The landmark box is 1 / 1.9 of the side.
    np.testing.assert_allclose(np.ptp(points, axis=1).max(axis=1), 96 / 1.9, rtol=0.01)
    assert np.nanmax(data.targets) <= 3
    rejected = list(csv.DictReader((out / "rejected.csv").read_text("utf-8").splitlines()))
    assert len(data) + len(rejected) == len(list(PORTRAITS.glob("*.jpg")))
    assessment = json.loads((out / "assessment.json").read_text(encoding="utf-8"))
    assert assessment["people"] == PEOPLE // 2
    assert assessment["renders_auc"]["AU12"] > 0.7


def test_it_learns_what_else_the_renders_are_labelled_with(london, tmp_path):
    renders, out = tmp_path / "renders", tmp_path / "geometry"
    shutil.copytree(RENDERS, renders)
    rows = [{**row, "AU45": row["AU05"]} for row in ROWS]
    with (renders / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    assert label(out, london, renders=renders) == 0

    made = teacher.read(out / "teacher.json")
    assert made.labels == (*LABELS, "AU45")
    assert np.isfinite(read_folder(out, labels=("AU45",)).targets).all()
    assert label(tmp_path / "again", london, "--teacher", str(out / "teacher.json")) == 0


def test_a_teacher_labels_again_as_it_did(london, tmp_path, capsys):
    first, again = tmp_path / "first", tmp_path / "again"
    assert label(first, london) == 0

    assert label(again, london, "--teacher", str(first / "teacher.json")) == 0

    for name in ("labels.csv", "scores.csv", "teacher.json"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
    assert teacher.read(again / "teacher.json").neutrals == PEOPLE // 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--size", "9"), "--size must be between 64 and 1024, got 9"),
        (("--most-renders", "3"), "--most-renders must be 50 or more, got 3"),
    ],
)
def test_numbers_out_of_range_are_named(london, tmp_path, capsys, flags, words):
    assert label(tmp_path, london, *flags) == 2
    assert words in capsys.readouterr().err


def test_pictures_can_be_left_out(london, tmp_path, capsys):
    listed = tmp_path / "names.txt"
    listed.write_text("portraits/m001.jpg\n", encoding="utf-8")

    assert label(tmp_path / "out", london, "--leave-out", str(listed)) == 0

    assert "m001" not in (tmp_path / "out" / "labels.csv").read_text(encoding="utf-8")
