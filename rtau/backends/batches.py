"""Batches of any length through a model that takes so many rows a call.

Checks the crops against the contract, splits, and joins the answers; runs no model itself. Called
by the backends whose library takes arrays and gives arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError

# uint8 (N, S, S, 3) to logits, and CAMs behind them if they are wanted.
Run = Callable[[Image], Sequence[np.ndarray]]


def scored(
    crops: Crops, run: Run, /, *, contract: ModelContract, max_batch: int, cams: bool
) -> Scores:
    """Returns a row of scores per crop; `run` is called for at most `max_batch` rows at a time.

    Raises:
        ContractError: crops of another size, or CAMs of a model that has none.
    """
    if len(crops) and crops.size != contract.input_size:
        raise ContractError(
            f"{contract.name} takes crops of {contract.input_size} px, got {crops.size}"
        )
    if cams and not contract.has_cams:
        raise ContractError(f"{contract.name} has no CAM output; export it with --cam gradcam")
    starts = range(0, len(crops), max_batch)
    parts = [run(crops.images_rgb[k : k + max_batch]) for k in starts] or [_nothing(contract)]
    return Scores(
        labels=contract.labels,
        task=contract.task,
        logits=np.concatenate([part[0] for part in parts]),
        cams=np.concatenate([part[1] for part in parts]) if cams else None,
    )


def _nothing(contract: ModelContract) -> Sequence[np.ndarray]:
    labels = len(contract.labels)
    return np.zeros((0, labels), np.float32), np.zeros((0, labels, 1, 1), np.float32)
