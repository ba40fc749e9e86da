"""The bootstrap over people: how far a figure would move with other subjects in the same part.

Rows of one person are not independent, so whole people are drawn with replacement (the cluster
bootstrap; Field & Welsh 2007). Knows of counts only. Called by the assessment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DRAWS = 1000
# Of the percentile interval (Efron & Tibshirani 1993, ch. 13).
PERCENTILES = (2.5, 97.5)
# People drawn at a time; bounds the memory at about 32 MB.
_CHUNK = 1 << 22

Counts = npt.NDArray[np.float64]


def sums_by_subject(values: npt.NDArray[np.generic], subjects: npt.NDArray[np.str_], /) -> Counts:
    """Returns the sum of the rows of each person: float64 (S, ...) of values (N, ...)."""
    names, places = np.unique(subjects, return_inverse=True)
    summed = np.zeros((len(names), *values.shape[1:]))
    np.add.at(summed, places, values)
    return summed


def resampled(sums: Counts, /, *, seed: int, draws: int = DRAWS) -> Counts:
    """Returns the totals of `draws` samples of S people out of S: float64 (draws, ...).

    One seed gives the same people every time, whatever is counted.
    """
    count = len(sums)
    flat = sums.reshape(count, -1)
    generator = np.random.default_rng(seed)
    totals = []
    at_once = max(_CHUNK // count, 1)
    for begin in range(0, draws, at_once):
        rows = min(at_once, draws - begin)
        drawn = generator.integers(0, count, (rows, count))
        drawn += np.arange(rows)[:, None] * count  # a sample's people lie in its own block
        weights = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        totals.append(weights @ flat)
    return np.concatenate(totals).reshape(draws, *sums.shape[1:])


def interval(values: Counts, /, *, subjects: int) -> tuple[float, float]:
    """Returns the 95 % percentile interval of a figure over the samples.

    Samples where the figure is not defined are left out. (NaN, NaN) with one person, who says
    nothing about others, and where no sample defines the figure.
    """
    known = values[np.isfinite(values)]
    if subjects < 2 or not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, PERCENTILES)
    return float(low), float(high)
