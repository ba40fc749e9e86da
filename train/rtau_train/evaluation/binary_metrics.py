"""Figures of merit for one binary label: counts, F1, MCC, AUC, PR-AUC, best threshold.

Plain numpy over the rows of one label; nothing here knows of networks, people or files. Called by
the assessment and by the loop.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from rtau_train.evaluation.correlations import mean_ranks

Values = npt.NDArray[np.floating]
Truth = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Confusion:
    """Counts of a binary decision against the truth, and the ratios that follow from them."""

    tn: int
    """Absent and said to be absent."""
    fp: int
    """Absent, said to be present."""
    fn: int
    """Present, said to be absent."""
    tp: int
    """Present and said to be present."""

    @property
    def precision(self) -> float:
        """The ratio tp / (tp + fp) (van Rijsbergen 1979, ch. 7); NaN where none was said."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """The ratio tp / (tp + fn) (van Rijsbergen 1979, ch. 7); NaN where nothing was present."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall; 0 for no hit.

        Van Rijsbergen 1979, ch. 7, with equal weights.
        """
        return 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)

    @property
    def mcc(self) -> float:
        """Matthews correlation coefficient in [-1, 1] (Matthews 1975).

        0, its limit, where all decisions are the same (Chicco & Jurman 2020); NaN where all truth
        is the same: there is nothing to correlate with.
        """
        present, absent = self.tp + self.fn, self.tn + self.fp
        said, unsaid = self.tp + self.fp, self.tn + self.fn
        if present == 0 or absent == 0:
            return float("nan")
        if said == 0 or unsaid == 0:
            return 0.0
        # Square roots one by one: the product of four counts may exceed what floats hold exactly.
        scale = math.sqrt(present) * math.sqrt(absent) * math.sqrt(said) * math.sqrt(unsaid)
        return (self.tp * self.tn - self.fp * self.fn) / scale


def confusion(decisions: Truth, truth: Truth) -> Confusion:
    """Returns the counts of bool (N,) decisions against bool (N,) truth."""
    tp = int((decisions & truth).sum())
    fp, fn = int(decisions.sum()) - tp, int(truth.sum()) - tp
    return Confusion(tn=len(truth) - tp - fp - fn, fp=fp, fn=fn, tp=tp)


def f1(decisions: Truth, truth: Truth) -> float:
    """Returns the F1 score; 0 when nothing is right."""
    return confusion(decisions, truth).f1


def auc(scores: Values, truth: Truth) -> float:
    """Returns the area under the ROC curve; NaN when one class is absent.

    The Mann-Whitney U statistic over the number of pairs (Hanley & McNeil 1982); a tie counts half.
    """
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    rank_sum = float(mean_ranks(scores)[truth].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def average_precision(scores: Values, truth: Truth) -> float:
    """Returns the area under the precision-recall curve; NaN when nothing is present.

    The step sum of precision times gain in recall over all thresholds, without interpolation
    (Davis & Goadrich 2006 say why); rows of equal score enter together. Chance is the base rate.
    """
    positives = int(truth.sum())
    if positives == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(_last_of_tie(scores[order]))
    found = np.cumsum(truth[order])[ends]
    gains = np.diff(found, prepend=0) / positives
    return float((gains * found / (ends + 1)).sum())


def best_threshold(probabilities: Values, truth: Truth, *, otherwise: float = 0.5) -> float:
    """Returns the threshold with the highest F1, halfway between two neighbouring values.

    A decision is `probability >= threshold`. Returns `otherwise` where nothing is to be found: a
    label that is always absent or always present has no threshold to choose.
    """
    if not truth.any() or truth.all():
        return otherwise
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    scores = 2 * found / (np.arange(1, len(truth) + 1) + truth.sum())
    descending = probabilities[order]
    place = int(np.argmax(np.where(_last_of_tie(descending), scores, -1)))
    below = descending[place + 1] if place + 1 < len(descending) else 0.0
    return float((descending[place] + below) / 2)


def known_mean(values: Iterable[float], /) -> float:
    """Returns the mean of the values that are not NaN; NaN where none is known."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _last_of_tie(ordered: Values) -> Truth:
    """Returns where a run of equal values ends: bool (N,)."""
    return np.append(ordered[1:] != ordered[:-1], True)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
