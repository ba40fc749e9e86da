"""How two series go together: ranks, Pearson's and Spearman's correlation.

Plain numpy; knows neither labels nor files. Called by the metrics, the curves of clips and the
card's comparison with a teacher.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]


def mean_ranks(values: Values, /) -> npt.NDArray[np.float64]:
    """Returns ranks float64 (N,) from 1, equal values sharing their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(ranks[places], np.float64)


def pearson(one: Values, other: Values, /) -> float:
    """Returns Pearson's r over the places where both are known (not NaN).

    NaN where fewer than two are, or where one of them stands still.
    """
    known = np.isfinite(one) & np.isfinite(other)
    first, second = one[known], other[known]
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def spearman(one: Values, other: Values, /) -> float:
    """Returns Spearman's rank correlation of series without NaN; ties share their mean rank."""
    return pearson(mean_ranks(one), mean_ranks(other))
