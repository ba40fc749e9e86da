"""How far probabilities can be taken at their word: reliability bins and calibration error.

Plain numpy over the rows of one label, or over the most probable classes; draws nothing. Called by
the assessment.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

# Ten bins of equal width, as in the diagrams of Guo et al. 2017 (Figure 1).
BINS = 10


@dataclasses.dataclass(frozen=True)
class ReliabilityBin:
    """The rows whose probability falls into one interval."""

    mean_probability: float
    share_present: float
    """Share of these rows that show the label."""
    rows: int


def reliability(
    probabilities: npt.NDArray[np.floating], truth: npt.NDArray[np.bool_], /
) -> tuple[ReliabilityBin, ...]:
    """Returns the bins that hold rows, in ascending order; a bin includes its upper edge."""
    edges = np.linspace(0, 1, BINS + 1)
    places = np.searchsorted(edges[1:-1], probabilities)
    counts = np.bincount(places, minlength=BINS)
    summed = np.bincount(places, weights=probabilities, minlength=BINS)
    present = np.bincount(places, weights=truth, minlength=BINS)
    return tuple(
        ReliabilityBin(float(summed[k] / counts[k]), float(present[k] / counts[k]), int(counts[k]))
        for k in np.flatnonzero(counts)
    )


def calibration_error(bins: tuple[ReliabilityBin, ...], /) -> float:
    """Returns the expected calibration error in [0, 1]; NaN without rows.

    The mean over the rows of how far a bin's mean probability lies from its share (Naeini et al.
    2015; Guo et al. 2017, equation 3).
    """
    rows = sum(found.rows for found in bins)
    gaps = (found.rows * abs(found.mean_probability - found.share_present) for found in bins)
    return sum(gaps) / rows if rows else float("nan")
