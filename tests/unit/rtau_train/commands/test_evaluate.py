import csv
import json
import shutil

import pytest

from rtau_train.commands.main import main
from rtau_train.evaluation.run_metrics import read_metrics
from tests.support.training import FACES, splits


@pytest.fixture
def run(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "run")


def test_evaluate_writes_figures_and_predictions_and_prints_a_table(run, capsys):
    assert main(["evaluate", str(run), "--data", str(FACES)]) == 0

    assert "| AU12 | lip corner puller |" in capsys.readouterr().out
    metrics = read_metrics(run / "evaluation.json")
    record = json.loads((run / "run.json").read_text())
    assert {key: metrics.record[key] for key in record} == record
    assert metrics.record["settings"]["training epochs"] == "3"
    with (run / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == metrics.test.rows == len(splits().split.test)


def test_evaluate_prints_the_file_as_json_and_groups_by_any_column(run, capsys):
    flags = ["--json", "--group", "glasses"]
    assert main(["evaluate", str(run), "--data", str(FACES), *flags]) == 0

    assert capsys.readouterr().out == (run / "evaluation.json").read_text()
    groups = read_metrics(run / "evaluation.json").groups
    assert {group.column for group in groups} == {"glasses"}


def test_a_column_that_is_not_there_writes_nothing(run, capsys):
    assert main(["evaluate", str(run), "--data", str(FACES), "--group", "shoe size"]) == 2

    assert "labels.csv has no column shoe size to group by" in capsys.readouterr().err
    assert not (run / "evaluation.json").exists()
    assert not (run / "predictions.csv").exists()


def test_a_run_without_its_record_is_one_line(run, capsys):
    (run / "run.json").unlink()

    assert main(["evaluate", str(run), "--data", str(FACES)]) == 1
    assert "`rtau-train fit` writes it" in capsys.readouterr().err
    assert not (run / "evaluation.json").exists()


@pytest.mark.parametrize("part", ["train", "validation"])
def test_another_part_is_judged_into_files_of_its_name(run, capsys, part):
    assert main(["evaluate", str(run), "--data", str(FACES), "--part", part]) == 0

    rows = len(getattr(splits().split, part))
    said = capsys.readouterr().out.splitlines()[0]
    words = {"train": "Training part", "validation": "Validation part"}[part]
    used = {"train": "trained on", "validation": "used to choose thresholds and epochs"}[part]
    assert said == f"{words}, {rows} pictures, {used}"
    metrics = read_metrics(run / f"evaluation-{part}.json")
    assert (metrics.size.rows, metrics.part, metrics.used_for) == (rows, words.lower(), used)
    with (run / f"predictions-{part}.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rows
    assert not (run / "evaluation.json").exists()


@pytest.mark.parametrize("part", ["public", "private"])
def test_a_part_of_fer2013_needs_its_column(run, capsys, part):
    assert main(["evaluate", str(run), "--data", str(FACES), "--part", part]) == 2

    assert f"--part {part} is a part of FER2013, and labels.csv has no" in capsys.readouterr().err
