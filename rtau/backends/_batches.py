"""Batches of any length through a model that takes so many rows a call.

Checks the crops against the contract, splits, and joins the answers; runs no model itself. Called
by the backends whose library takes arrays and gives arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rtau.backends.outputs import CAMS, row_shapes, scores_of
from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError

# uint8 (N, S, S, 3) to the outputs that `rtau.backends.outputs` names, in its order.
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
    shapes = row_shapes(contract, cams=cams)
    parts = [run(crops.images_rgb[k : k + max_batch]) for k in starts] or [_nothing(shapes)]
    joined = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    return scores_of(contract, dict(zip(shapes, joined, strict=True)))


def _nothing(shapes: dict[str, tuple[int, ...]]) -> Sequence[np.ndarray]:
    """Returns the outputs of no rows; a CAM's grid, which nobody asked the model for, is 1x1."""
    sizes = [(*shape, 1, 1) if name == CAMS else shape for name, shape in shapes.items()]
    return [np.zeros((0, *size), np.float32) for size in sizes]
