import csv
import dataclasses

import numpy as np
import pytest

from rtau_train.evaluation.predictions import write_predictions
from tests.support.study_results import AUS, au_answers


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_holds_what_was_said_and_what_is_true(tmp_path):
    answers = au_answers(rows=5)
    write_predictions(tmp_path / "predictions.csv", answers)

    rows = rows_of(tmp_path / "predictions.csv")

    assert list(rows[0]) == ["file", "subject", *(f"{p}_{au}" for p in "PT" for au in AUS)]
    assert [row["file"] for row in rows] == list(answers.files)
    assert [row["subject"] for row in rows] == list(answers.subjects)
    for k, row in enumerate(rows):
        said = [float(row[f"P_{au}"]) for au in AUS]
        assert said == pytest.approx(list(answers.probabilities[k]), abs=1e-6)
        assert [int(row[f"T_{au}"]) for au in AUS] == list(answers.present[k])
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.csv"]


def test_what_nobody_coded_is_empty_and_names_are_quoted(tmp_path):
    answers = au_answers(rows=2)
    coded = np.ones((2, len(AUS)), bool)
    coded[1, 0] = False
    odd = dataclasses.replace(answers, coded=coded, files=('a,"b".jpg', "c\nd.jpg"))
    write_predictions(tmp_path / "predictions.csv", odd)

    rows = rows_of(tmp_path / "predictions.csv")

    assert [row["file"] for row in rows] == list(odd.files)
    assert [row["T_AU01"] != "" for row in rows] == [True, False]
