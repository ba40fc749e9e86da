"""Asks a model file about crops through rtau's own engine: what is measured is what is deployed.

Pictures are cut as evaluation cuts them and may be changed before they are scored. Knows no
figures; called by the measuring modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from rtau.backends.parity import as_crops
from rtau.contract import ModelContract
from rtau.data import Image
from rtau.protocols import Engine
from rtau_train.datasets.labelled_crops import LabelledCrops, Rows
from rtau_train.evaluation.evaluate import READ_AT_ONCE, cut_plain
from rtau_train.recipe import Recipe

# Name of no change.
UNCHANGED: Final = ""
# Crops per call of the engine; small enough for any laptop.
BATCH: Final = 64

Probabilities = npt.NDArray[np.float64]
Change = Callable[[Image], Image]


def probabilities_of(engine: Engine, crops: Image, /) -> Probabilities:
    """Returns what an engine says of uint8 crops (N, S, S, 3), RGB: float64 (N, A)."""
    starts = range(0, len(crops), BATCH)
    said = [engine.infer(as_crops(crops[k : k + BATCH])).probabilities for k in starts]
    none = np.zeros((0, len(engine.contract.labels)))
    return np.concatenate([none, *said])


def scored(
    engine: Engine,
    data: LabelledCrops,
    rows: Rows,
    /,
    *,
    recipe: Recipe,
    changes: Mapping[str, Change],
) -> dict[str, Probabilities]:
    """Returns probabilities (len(rows), A) of some rows under each change of their crops.

    Args:
        engine: what is asked.
        data: where the rows are.
        rows: which.
        recipe: of the run; says where in a picture the crop lies.
        changes: name -> what is done to a crop, uint8 (S, S, 3), before it is scored.

    Raises:
        SourceOpenError: a picture cannot be read.
    """
    said: dict[str, list[Probabilities]] = {name: [] for name in changes}
    for first in range(0, len(rows), READ_AT_ONCE):
        crops = cut_plain(data, rows[first : first + READ_AT_ONCE], recipe)
        for name, change in changes.items():
            changed = np.stack([change(crop) for crop in crops])
            said[name].append(probabilities_of(engine, changed))
    return {name: np.concatenate(parts) for name, parts in said.items()}


def unchanged(crop: Image, /) -> Image:
    """Returns a crop as it is."""
    return crop


def thresholds_of(contract: ModelContract, /) -> npt.NDArray[np.float64]:
    """Returns the thresholds (A,) as the runtime compares with them: rounded to 32 bits."""
    return np.array(contract.thresholds, np.float32).astype(np.float64)
