"""`rtau-train suggest`: from a table of an earlier run to a task, and what it refuses."""

import json

import pytest

from rtau_train.commands.main import main
from tests.support.tables import face_table, write_csv

PROBABILITIES = [0.5] * 10 + [0.9] * 20


@pytest.fixture
def table(tmp_path):
    record = {
        "settings": {},
        "source": {"name": "clip.mp4"},
        "model": {"labels": ["AU04", "AU12"], "thresholds": [0.5, 0.5]},
    }
    (tmp_path / "clip.run.json").write_text(json.dumps(record))
    (tmp_path / "clip.mp4").write_bytes(b"")
    columns = {"AU04_p": PROBABILITIES, "AU12_p": PROBABILITIES}
    return write_csv(tmp_path / "clip.csv", face_table(columns))


def suggest(table, out, *more):
    video = table.with_suffix(".mp4")
    return main(["suggest", str(video), "--csv", str(table), "--out", str(out), *more])


def test_a_task_lies_anywhere_and_names_its_video(table, tmp_path, capsys):
    (tmp_path / "tasks").mkdir()
    out = tmp_path / "tasks" / "=task.csv"
    assert suggest(table, out, "--aus", "12", "--moments", "1", "--subject", "=1+1") == 0
    assert capsys.readouterr().out == f"{out}\n"
    _, row = out.read_text().splitlines()
    assert row.startswith("../clip.mp4,1,./=1+1,AU12,0")
    assert row.endswith(",0.5000,0.5000,")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--aus", "17"], "the model has no AU17"),
        (["--aus", "smile"], "--aus: label must name"),
        (["--moments", "0"], "must be 1 or more"),
    ],
)
def test_what_cannot_be_done_is_said(table, tmp_path, capsys, more, words):
    assert suggest(table, tmp_path / "task.eaf", *more) == 2
    assert words in capsys.readouterr().err


def test_another_kind_of_task_and_a_table_without_thresholds_are_refused(table, tmp_path, capsys):
    assert suggest(table, tmp_path / "task.docx") == 2
    table.with_suffix(".run.json").unlink()
    assert suggest(table, tmp_path / "task.eaf") == 2
    err = capsys.readouterr().err
    assert "must end in .eaf or .csv" in err
    assert "no run record beside it" in err
