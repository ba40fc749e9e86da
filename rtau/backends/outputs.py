"""What a model file is fed and what it returns, by name: the one list all backends share.

Derived from the contract; runs nothing. Called by every backend, and the export names its tensors
so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rtau.contract import ModelContract
from rtau.data import LANDMARKS as POINTS
from rtau.data import Scores

INPUT = "crops"
LOGITS, CAMS, LANDMARKS = "logits", "cams", "landmarks"


def row_shapes(contract: ModelContract, *, cams: bool) -> dict[str, tuple[int, ...]]:
    """Returns the sizes of a row of each float32 output, in order; of CAMs only the first is known.

    Args:
        contract: of the model.
        cams: whether CAMs are among the outputs; a model without them has none in any case.
    """
    labels = len(contract.labels)
    shapes: dict[str, tuple[int, ...]] = {LOGITS: (labels,)}
    if cams and contract.has_cams:
        shapes[CAMS] = (labels,)
    if contract.has_landmarks:
        shapes[LANDMARKS] = (POINTS, 2)
    return shapes


def output_names(contract: ModelContract, *, cams: bool) -> tuple[str, ...]:
    """Returns the names of the outputs of a batch with or without CAMs, in order."""
    return tuple(row_shapes(contract, cams=cams))


def scores_of(contract: ModelContract, found: Mapping[str, np.ndarray], /) -> Scores:
    """Returns the record of the outputs of a batch, by name.

    Raises:
        EngineError: a value is not finite.
    """
    return Scores(
        labels=contract.labels,
        task=contract.task,
        logits=found[LOGITS],
        cams=found.get(CAMS),
        landmarks_xy=found.get(LANDMARKS),
    )
