"""Names and shapes of a model's input and outputs, for all backends and the export."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rtau.contract import ModelContract
from rtau.data import LANDMARKS as POINTS
from rtau.data import Scores

INPUT = "crops"
LOGITS, CAMS, LANDMARKS = "logits", "cams", "landmarks"
POSE = "pose"


def row_shapes(contract: ModelContract, *, cams: bool) -> dict[str, tuple[int, ...]]:
    """Returns the shape of one row of each float32 output, in order.

    Of CAMs that is (A,) alone: their height and width are the model's. A model without CAMs has no
    such output, whatever `cams` says.
    """
    labels = len(contract.labels)
    shapes: dict[str, tuple[int, ...]] = {LOGITS: (labels,)}
    if cams and contract.has_cams:
        shapes[CAMS] = (labels,)
    if contract.has_landmarks:
        shapes[LANDMARKS] = (POINTS, 2)
    if contract.has_pose:
        shapes[POSE] = (2,)
    return shapes


def output_names(contract: ModelContract, *, cams: bool) -> tuple[str, ...]:
    """Returns the names of the outputs, with or without CAMs, in order."""
    return tuple(row_shapes(contract, cams=cams))


def scores_of(contract: ModelContract, outputs: Mapping[str, np.ndarray], /) -> Scores:
    """Returns the outputs of a batch, by name, as `Scores`.

    Raises:
        EngineError: a value is not finite.
    """
    return Scores(
        labels=contract.labels,
        task=contract.task,
        logits=outputs[LOGITS],
        cams=outputs.get(CAMS),
        landmarks_xy=outputs.get(LANDMARKS),
        pose_rad=outputs.get(POSE),
    )
