"""Differences between two engines' outputs: logits, probabilities, decisions, CAMs, landmarks.

Seeded crops as input, and the measures; tolerances are the callers': `rtau doctor --gpu` and the
export.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError

SEED = 20261122
# Cells along a side, from blobs to a quarter of the pixels; noise of single pixels is added.
# Networks respond to structure more than to noise.
SCALES = (2, 5, 11, 28)
# Standard deviation of the coarsest scale, grey levels; finer ones are a little weaker.
CONTRAST = 48


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Differences between two sets of scores."""

    max_dlogit: float
    """Largest difference of a logit."""
    max_dp: float
    """Largest difference of a probability."""
    mean_dp: float
    """Mean absolute difference of the probabilities."""
    changed_decisions: int
    """Decisions that differ at the contract's thresholds."""
    decisions: int
    """Decisions in all."""
    cam_correlation: float | None
    """Lowest correlation of a label's CAMs over all crops; None where either side has none."""
    max_dlandmark: float | None = None
    """Largest distance of a landmark, in crop sides; None where either side has none."""


def probe_crops(count: int, *, size: int, seed: int = SEED) -> Image:
    """Returns crops with structure from blobs to single pixels: uint8 (count, size, size, 3).

    The same arguments give the same crops.
    """
    rng = np.random.default_rng(seed)
    crops = np.zeros((count, size, size, 3), np.float32)
    for cells in (*SCALES, size):
        grid = rng.normal(0, 1, (count, cells, cells, 3)).astype(np.float32)
        places = np.arange(size) * cells // size
        crops += grid[:, places][:, :, places] * np.float32(CONTRAST * (2 / cells) ** 0.25)
    level = rng.uniform(40, 215, (count, 1, 1, 3)).astype(np.float32)
    return np.asarray(np.clip(crops + level, 0, 255), dtype=np.uint8)


def as_crops(images_rgb: Image) -> Crops:
    """Returns pictures as `Crops`, with an identity `frame_from_crop`."""
    rows = len(images_rgb)
    identity = np.tile(np.eye(2, 3, dtype=np.float32), (rows, 1, 1))
    return Crops(images_rgb, identity, np.arange(rows, dtype=np.int64))


def difference(wanted: Scores, got: Scores, contract: ModelContract, /) -> Difference:
    """Returns the differences of `got` from `wanted`; decisions are at the contract's thresholds.

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
        max_dlogit=float(np.abs(wanted.logits - got.logits).max(initial=0)),
        max_dp=float(apart.max(initial=0)),
        mean_dp=float(apart.mean()) if apart.size else 0.0,
        changed_decisions=int((here != there).sum()),
        decisions=here.size,
        cam_correlation=_lowest_correlation(wanted.cams, got.cams),
        max_dlandmark=_farthest(wanted.landmarks_xy, got.landmarks_xy, side=contract.input_size),
    )


def worst(found: Sequence[Difference], /) -> Difference:
    """Returns one difference for several: the largest changes, all decisions, the mean of means."""
    decisions = sum(one.decisions for one in found)
    correlations = [one.cam_correlation for one in found if one.cam_correlation is not None]
    moves = [one.max_dlandmark for one in found if one.max_dlandmark is not None]
    return Difference(
        max_dlogit=max(one.max_dlogit for one in found),
        max_dp=max(one.max_dp for one in found),
        mean_dp=sum(one.mean_dp * one.decisions for one in found) / max(1, decisions),
        changed_decisions=sum(one.changed_decisions for one in found),
        decisions=decisions,
        cam_correlation=min(correlations) if correlations else None,
        max_dlandmark=max(moves) if moves else None,
    )


def _decided(scores: Scores, contract: ModelContract) -> npt.NDArray[np.bool_]:
    if scores.task == "multi_class":  # one decision a row: which label is the most probable
        best = scores.probabilities.argmax(axis=1)
        return np.asarray(best[:, None] == np.arange(len(scores.labels)), dtype=np.bool_)
    return np.asarray(scores.probabilities >= np.array(contract.thresholds), dtype=np.bool_)


def _farthest(
    wanted: npt.NDArray[np.float32] | None, got: npt.NDArray[np.float32] | None, *, side: int
) -> float | None:
    if wanted is None or got is None or not len(wanted):
        return None
    return float(np.linalg.norm(wanted - got, axis=2).max()) / side


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
