"""Groups the overlapping windows a cascade accepts into one box with a confidence.

Pure functions on arrays, called by `haar.py`. The weighted mean of all accepted windows is far more
stable than any single one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau import geometry

Squares = npt.NDArray[np.float64]

# Confidence that scores one half: all frontal portraits of the evaluation reach it, and one in 200
# scenes with a false detection (docs/detection.md).
HALF_CONFIDENCE = 10.0
# A window farther from the mean centre than this share of the mean side belongs to something else
# (a collar, a second face at the edge of the search region).
MAX_OFFSET = 0.35


def group_windows(
    squares: Squares, margins: npt.NDArray[np.float64]
) -> tuple[Squares, float] | None:
    """Returns the weighted mean square and its confidence, or None without windows.

    Centre and logarithm of the side are means weighted by margin; a second pass leaves out windows
    far from the centre. The confidence is the sum of the margins that remain.

    Args:
        squares: float64 (N, 3), centre x, centre y, side.
        margins: float64 (N,), by how much each window passed the last stage of the cascade.
    """
    # A window that passed by a margin of 0 still passed: its weight must not be 0.
    margins = np.maximum(margins, 1e-3)
    for is_last in (False, True):
        if len(squares) == 0:
            return None
        confidence = float(margins.sum())
        centre = margins @ squares[:, :2] / confidence
        side = float(np.exp(margins @ np.log(squares[:, 2]) / confidence))
        if not is_last:
            near = np.abs(squares[:, :2] - centre).max(axis=1) <= MAX_OFFSET * side
            squares, margins = squares[near], margins[near]
    return np.array([*centre, side]), confidence


def score_from_confidence(confidence: float) -> float:
    """Returns confidence / (confidence + HALF_CONFIDENCE), in [0, 1); not a probability."""
    return confidence / (confidence + HALF_CONFIDENCE)


def non_maximum_suppression(
    overlap: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
) -> list[int]:
    """Returns the rows to keep, in ascending order: the best-scored of overlapping ones.

    Args:
        overlap: float32 (N, N), intersection over union of every pair.
        scores: float32 (N,); of equal scores the earlier row wins.
    """
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable").tolist():
        if all(overlap[row, other] < geometry.SAME_FACE_IOU for other in kept):
            kept.append(row)
    return sorted(kept)
