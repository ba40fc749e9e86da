"""Splits rows into a training part and two held-out parts, by a seed, without overlap.

The rows must be different people (the rendered-crops layout promises it), so that a split by row
is a split by person. Called by the loop and by the evaluation, which must agree.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from rtau.errors import UsageError
from rtau_train.recipe import Fit

Rows = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Split:
    """Rows of each part, sorted; every row is in exactly one."""

    train: Rows
    thresholds: Rows
    """Held out to choose thresholds and CAM scales, and to watch training."""
    report: Rows
    """Held out for the reported figures only."""


def split_rows(count: int, fit: Fit, /) -> Split:
    """Returns the split of `count` rows that a recipe's seed and shares define.

    Raises:
        UsageError: too few rows for one in every part.
    """
    order = np.random.default_rng([fit.seed, count]).permutation(count).astype(np.int64)
    chosen, reported = round(count * fit.threshold_share), round(count * fit.report_share)
    if min(chosen, reported, count - chosen - reported) < 1:
        raise UsageError(f"data must have a row for every part of the split, got {count} rows")
    return Split(
        train=np.sort(order[chosen + reported :]),
        thresholds=np.sort(order[:chosen]),
        report=np.sort(order[chosen : chosen + reported]),
    )
