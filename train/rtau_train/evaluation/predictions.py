"""Writes what a network said of every row beside the truth: predictions.csv.

So that any other figure can be computed without the network. Called by `rtau-train evaluate`.
"""

from __future__ import annotations

import csv
from pathlib import Path

from rtau_train.evaluation.assessment import Answers
from rtau_train.whole_file import whole_file

PREDICTIONS_NAME = "predictions.csv"


def write_predictions(path: Path, answers: Answers, /) -> None:
    """Writes file, subject, a probability `P_` and a truth `T_` per label; empty: not coded.

    Whole or not at all.
    """
    heads = [f"{prefix}_{label}" for prefix in "PT" for label in answers.labels]
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "subject", *heads])
        for k, name in enumerate(answers.files):
            truth = zip(answers.present[k], answers.coded[k], strict=True)
            writer.writerow(
                [
                    name,
                    answers.subjects[k],
                    *(f"{value:.6f}" for value in answers.probabilities[k]),
                    *(int(present) if coded else "" for present, coded in truth),
                ]
            )
