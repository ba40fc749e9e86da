"""Measures of agreement of two raters, from sums over time, so that files can be drawn anew.

Pearson's r and ICC(3,1) of the scores; kappa, PABAK, F1 and base rates of the occurrences. Every
measure is a function of ten sums, which add up over files.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from rtau.analysis.face_series import Floats

DRAWS = 2000
SEED = 0
# Share of the draws inside an interval.
INTERVAL = 0.95
SUMS = ("w", "x", "y", "xx", "yy", "xy", "both", "first", "second", "neither")
MEASURES = ("r", "icc", "kappa", "pabak", "f1", "base_rate_1", "base_rate_2")


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A measure over all files, with its bootstrap interval."""

    value: float
    """The measure; NaN where it is not defined, for instance of a label that never occurs."""
    low: float
    """Lower end of the 95 % interval over files; NaN with fewer than two."""
    high: float
    """Upper end."""


def sums_of(
    scores: tuple[Floats, Floats], occurrences: tuple[Floats, Floats], weights: Floats
) -> Floats:
    """Returns the ten sums of one file, over the time in which both raters say something."""
    known = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    x, y, w = scores[0][known], scores[1][known], weights[known]
    decided = ~np.isnan(occurrences[0]) & ~np.isnan(occurrences[1])
    a, b, v = occurrences[0][decided] > 0, occurrences[1][decided] > 0, weights[decided]
    cells = [v[a & b].sum(), v[a & ~b].sum(), v[~a & b].sum(), v[~a & ~b].sum()]
    moments = [w.sum(), w @ x, w @ y, w @ (x * x), w @ (y * y), w @ (x * y)]
    return np.array([*moments, *cells])


def measures_of(sums: Floats) -> Floats:
    """Returns the measures, (..., 7) in the order of `MEASURES`, of sums (..., 10)."""
    w, x, y, xx, yy, xy, both, first, second, neither = np.moveaxis(sums, -1, 0)
    total = both + first + second + neither
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = x / w, y / w
        # A constant has no variance, and what rounding leaves of one is none either.
        variance_x = _positive(xx / w - mean_x**2, xx / w)
        variance_y = _positive(yy / w - mean_y**2, yy / w)
        covariance = xy / w - mean_x * mean_y
        r = covariance / np.sqrt(variance_x * variance_y)
        icc = 2 * covariance / (variance_x + variance_y)
        rate_1, rate_2 = (both + first) / total, (both + second) / total
        agreed = (both + neither) / total
        chance = rate_1 * rate_2 + (1 - rate_1) * (1 - rate_2)
        kappa = (agreed - chance) / (1 - chance)
        f1 = 2 * both / (2 * both + first + second)
    found = [r, icc, kappa, 2 * agreed - 1, f1, rate_1, rate_2]
    return np.stack([np.where(np.isfinite(one), one, np.nan) for one in found], axis=-1)


def estimates_of(sums_by_file: Floats) -> dict[str, Estimate]:
    """Returns every measure over all files, with intervals over files drawn with replacement.

    Args:
        sums_by_file: (files, 10).
    """
    values = measures_of(sums_by_file.sum(axis=0))
    low = high = np.full(len(MEASURES), np.nan)
    count = len(sums_by_file)
    if count > 1:
        drawn = np.random.default_rng(SEED).integers(0, count, (DRAWS, count))
        found = measures_of(sums_by_file[drawn].sum(axis=1))
        low, high = (_quantile(found, share) for share in (0.5 - INTERVAL / 2, 0.5 + INTERVAL / 2))
    return {
        name: Estimate(float(values[k]), float(low[k]), float(high[k]))
        for k, name in enumerate(MEASURES)
    }


def _positive(variance: Floats, scale: Floats) -> Floats:
    return np.where(variance > 1e-12 * np.maximum(scale, 1e-300), variance, np.nan)


def _quantile(found: Floats, share: float) -> Floats:
    """Returns a quantile of each measure over the draws in which it is defined."""
    return np.array(
        [
            np.quantile(column[~np.isnan(column)], share) if (~np.isnan(column)).any() else np.nan
            for column in found.T
        ]
    )
