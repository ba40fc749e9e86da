"""Macro-F1 on a labelled folder, without torch: what a changed decision is worth.

The layout is that of the rendered crops: `labels.csv` with a row per picture (`file` under
`crops/`, and a column per AU with its intensity 0-5) beside `crops/`. A picture is taken whole as
the crop. Called by `rtau_export.precision`.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Image, Scores
from rtau.errors import SourceOpenError
from rtau_export.calibration import SEED, read_crops
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.evaluation.binary_metrics import f1

# As many as move a macro-F1 by less than 0.01 from sample to sample.
MOST_PICTURES = 2000


@dataclasses.dataclass(frozen=True)
class LabelledCrops:
    """Pictures and what occurs in them."""

    name: str
    """The folder's name, for the record."""
    images_rgb: Image
    """uint8 (N, S, S, 3)."""
    occurs: npt.NDArray[np.bool_]
    """bool (N, A), labels in the contract's order."""


def read_labelled(folder: Path, contract: ModelContract, /) -> LabelledCrops:
    """Returns a seeded sample of a labelled folder for a model's labels and input size.

    Raises:
        SourceOpenError: a file is missing or not as the layout says.
    """
    table = folder / "labels.csv"
    rows = _rows(table)
    order = np.random.default_rng(SEED).permutation(len(rows))[:MOST_PICTURES]
    chosen = [rows[place] for place in order]
    for label in ("file", *contract.labels):
        if label not in rows[0]:
            raise SourceOpenError(f"{table}: column {label} is missing; the model has that label")
    try:
        intensities = np.array([[float(row[a]) for a in contract.labels] for row in chosen])
    except (TypeError, ValueError) as error:
        raise SourceOpenError(f"{table}: an intensity is no number ({error})") from None
    paths = [folder / "crops" / row["file"] for row in chosen]
    images = read_crops(paths, size=contract.input_size)
    return LabelledCrops(folder.name, images, np.asarray(intensities >= OCCURS_FROM))


def macro_f1(scores: Scores, contract: ModelContract, occurs: npt.NDArray[np.bool_], /) -> float:
    """Returns the mean F1 over the labels that occur, at the contract's thresholds."""
    decisions = scores.probabilities >= np.array(contract.thresholds)
    columns = [k for k in range(occurs.shape[1]) if occurs[:, k].any()]
    return float(np.mean([f1(decisions[:, k], occurs[:, k]) for k in columns])) if columns else 0.0


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourceOpenError(
            f"{table}: labels cannot be read ({reason}); --labelled must name a folder with "
            "labels.csv and crops/"
        ) from None
    if not rows:
        raise SourceOpenError(f"{table}: there are no rows")
    return rows
