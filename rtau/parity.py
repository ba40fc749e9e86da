"""How far two engines' answers lie apart: probabilities, decisions and heatmaps.

Seeded crops to ask both, and the measures; no opinion of how much is too much. Called by
`rtau doctor --gpu`, on machines where the export module is not installed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError

SEED = 20261122
# Cells along a side, from blobs to a quarter of the pixels: nets see structure, not noise alone.
SCALES = (2, 5, 11, 28)


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """How far one set of scores is from another."""

    max_dp: float
    """Largest difference of a probability."""
    changed: int
    """Decisions that differ at the contract's thresholds."""
    decisions: int
    """Decisions in all."""
    cam_correlation: float | None
    """Lowest correlation of a label's CAMs over all crops; None where either side has none."""


def seeded_crops(count: int, *, size: int, seed: int = SEED) -> Crops:
    """Returns crops with structure at several scales: the same for the same arguments."""
    rng = np.random.default_rng(seed)
    canvas = np.full((count, size, size, 3), 128, np.float32)
    for cells in SCALES:
        grid = rng.normal(0, 32, (count, cells, cells, 3)).astype(np.float32)
        places = np.arange(size) * cells // size
        canvas += grid[:, places][:, :, places]
    return as_crops(np.asarray(np.clip(canvas, 0, 255), dtype=np.uint8))


def as_crops(images_rgb: Image) -> Crops:
    """Returns pictures as an engine takes them; where they lie in a frame does not matter."""
    rows = len(images_rgb)
    identity = np.tile(np.eye(2, 3, dtype=np.float32), (rows, 1, 1))
    return Crops(images_rgb, identity, np.arange(rows, dtype=np.int64))


def difference(wanted: Scores, got: Scores, contract: ModelContract, /) -> Difference:
    """Returns how far `got` is from `wanted`, decided by the contract's thresholds.

    Raises:
        ContractError: they are not scores of the same crops and labels.
    """
    if wanted.labels != got.labels or len(wanted) != len(got):
        raise ContractError(
            f"scores must be of {len(wanted)} crops and {wanted.labels}, got {len(got)} and "
            f"{got.labels}; compare models of one task"
        )
    here, there = (_decided(scores, contract) for scores in (wanted, got))
    apart = np.abs(wanted.probabilities - got.probabilities)
    return Difference(
        max_dp=float(apart.max(initial=0)),
        changed=int((here != there).sum()),
        decisions=here.size,
        cam_correlation=_lowest_correlation(wanted.cams, got.cams),
    )


def _decided(scores: Scores, contract: ModelContract) -> npt.NDArray[np.bool_]:
    if scores.task == "multi_class":  # one decision a row: which label is the most probable
        best = scores.probabilities.argmax(axis=1)
        return np.asarray(best[:, None] == np.arange(len(scores.labels)), dtype=np.bool_)
    return np.asarray(scores.probabilities >= np.array(contract.thresholds), dtype=np.bool_)


def _lowest_correlation(
    wanted: npt.NDArray[np.float32] | None, got: npt.NDArray[np.float32] | None
) -> float | None:
    if wanted is None or got is None or not len(wanted):
        return None
    if wanted.shape != got.shape:
        raise ContractError(f"cams must have the shape {wanted.shape}, got {got.shape}")
    return min(_correlation(wanted[:, k], got[:, k]) for k in range(wanted.shape[1]))


def _correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    a, b = (values.astype(np.float64).ravel() for values in (first, second))
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if spread == 0:  # a label without heat in one of them: equal only if in both
        return 1.0 if np.array_equal(first, second) else 0.0
    return float((a * b).sum() / spread)
