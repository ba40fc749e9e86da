"""Figures of merit for binary labels: AUC, F1, best threshold. Plain numpy, one column each.

Nothing here knows of networks or files. Called by the evaluation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]
Truth = npt.NDArray[np.bool_]


def auc(scores: Values, truth: Truth) -> float:
    """Returns the area under the ROC curve (Mann-Whitney U); NaN when one class is absent."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # ties share their mean rank, from 1
    rank_sum = float(mean_rank[places][truth].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def f1(decisions: Truth, truth: Truth) -> float:
    """Returns the F1 score; 0 when nothing is right."""
    right = int((decisions & truth).sum())
    return 2 * right / max(int(decisions.sum()) + int(truth.sum()), 1)


def best_threshold(probabilities: Values, truth: Truth) -> float:
    """Returns the threshold with the highest F1, halfway between two neighbouring values.

    A decision is `probability >= threshold`. Returns 0.5 where nothing is to be found: a label
    that is always absent or always present has no threshold to choose.
    """
    if not truth.any() or truth.all():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    found = np.cumsum(truth[order])
    scores = 2 * found / (np.arange(1, len(truth) + 1) + truth.sum())
    descending = probabilities[order]
    last_of_tie = np.append(descending[1:] != descending[:-1], True)
    place = int(np.argmax(np.where(last_of_tie, scores, -1)))
    below = descending[place + 1] if place + 1 < len(descending) else 0.0
    return float((descending[place] + below) / 2)
