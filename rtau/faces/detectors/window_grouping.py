"""What many overlapping hits of a cascade say together: one box, and how much speaks for it.

Pure functions on arrays; the cascade itself is in `haar.py`, which calls them. A cascade answers
a face with a cloud of windows, and the centre of the cloud moves far less than any window in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Squares = npt.NDArray[np.float64]

# Mass that scores one half: all frontal portraits that were tried get there, and one in 200 scenes
# with something that is no face (docs/detection.md).
HALF_MASS = 10.0
# A hit farther from the cloud's centre than this share of its side belongs to something else
# (a collar, a second face at the edge of the search region).
MAX_STRAY = 0.35
# Two boxes that share this much (intersection over union) are on one face: Haar boxes on two
# faces that stand cheek to cheek share under .2.
SAME_FACE_IOU = 0.3


def gather(squares: Squares, margins: npt.NDArray[np.float64]) -> tuple[Squares, float] | None:
    """Returns the square all hits agree on and their mass, or None without a hit.

    Centre and logarithm of the side are means weighted by margin; hits that stray from the
    centre are left out of a second pass. Mass is the sum of the margins of the hits kept.

    Args:
        squares: float64 (N, 3), centre x, centre y, side.
        margins: float64 (N,), by how much each window passed the last stage of the cascade.
    """
    # A window that passed by nothing at all still passed: it must not weigh zero.
    margins = np.maximum(margins, 1e-3)
    for is_last in (False, True):
        if len(squares) == 0:
            return None
        mass = float(margins.sum())
        centre = margins @ squares[:, :2] / mass
        side = float(np.exp(margins @ np.log(squares[:, 2]) / mass))
        if not is_last:
            near = np.abs(squares[:, :2] - centre).max(axis=1) <= MAX_STRAY * side
            squares, margins = squares[near], margins[near]
    return np.array([*centre, side]), mass


def score_of(mass: float) -> float:
    """Returns mass / (mass + HALF_MASS), in [0, 1): a squashed weight, not a probability."""
    return mass / (mass + HALF_MASS)


def distinct(overlap: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> list[int]:
    """Returns the rows to keep, in order, so that no two are on one face: the best of each.

    Args:
        overlap: float32 (N, N), intersection over union of every pair.
        scores: float32 (N,); of equal scores the earlier row wins.
    """
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable").tolist():
        if all(overlap[row, other] < SAME_FACE_IOU for other in kept):
            kept.append(row)
    return sorted(kept)
