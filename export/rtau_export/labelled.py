"""Macro-F1 on a labelled folder, without torch: what a changed decision is worth.

The layout is that of training (`rtau_train.datasets.labelled_crops`): AUs with their intensity, or
an emotion per picture. A picture is taken whole as the crop. Called by `rtau_export.precision`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Image, Scores
from rtau.decisions import most_probable, threshold_decisions
from rtau_export.calibration import SEED, read_crops
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.evaluation.binary_metrics import f1

# As many as move a macro-F1 by less than 0.01 from sample to sample.
MOST_PICTURES = 2000


@dataclasses.dataclass(frozen=True)
class LabelledPictures:
    """Pictures and what is known of them."""

    name: str
    """The folder's name, for the record."""
    images_rgb: Image
    """uint8 (N, S, S, 3)."""
    occurs: npt.NDArray[np.bool_]
    """bool (N, A), labels in the contract's order; False where not coded."""
    coded: npt.NDArray[np.bool_]
    """bool (N, A): where a label is known."""


def read_labelled(folder: Path, contract: ModelContract, /) -> LabelledPictures:
    """Returns a seeded sample of a labelled folder for a model's labels and input size.

    Raises:
        SourceOpenError: a file is missing or not as the layout says.
    """
    data = read_folder(folder, labels=contract.labels, task=contract.task)
    order = np.random.default_rng(SEED).permutation(len(data))[:MOST_PICTURES]
    chosen = data.take(order)
    images = read_crops(chosen.pictures, size=contract.input_size)
    return LabelledPictures(folder.resolve().name, images, chosen.occurs, chosen.coded)


def macro_f1(scores: Scores, contract: ModelContract, truth: LabelledPictures, /) -> float:
    """Returns the mean F1 over the labels that occur, by the runtime's rule for decisions.

    A picture counts for a label only where it is coded.
    """
    said = scores.probabilities
    if contract.task == "multi_class":
        active = most_probable(said)
    else:
        active = threshold_decisions(said, np.array(contract.thresholds))
    found = [
        f1(active[truth.coded[:, k], k], truth.occurs[truth.coded[:, k], k])
        for k in range(len(contract.labels))
        if truth.occurs[:, k].any()
    ]
    return float(np.mean(found)) if found else 0.0
