"""Figures of merit for one class out of several: the matrix, accuracy, F1 per class, losses.

Plain numpy; nothing here knows of networks, people or files. Called by the assessment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rtau_train.evaluation.binary_metrics import Confusion

Classes = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]


def matrix(truth: Classes, said: Classes, /, *, classes: int) -> Matrix:
    """Returns the counts float64 (K, K): rows are the truth, columns what was said."""
    counted = np.bincount(truth * classes + said, minlength=classes * classes)
    return counted.reshape(classes, classes).astype(np.float64)


def accuracy(counts: Matrix, /) -> npt.NDArray[np.float64]:
    """Returns the share on the diagonal of matrices (..., K, K); NaN where nothing was counted."""
    right = np.trace(counts, axis1=-2, axis2=-1)
    return _divided(right, counts.sum(axis=(-2, -1)))


def f1_per_class(counts: Matrix, /) -> npt.NDArray[np.float64]:
    """Returns the F1 of each class against the rest: (..., K) of matrices (..., K, K).

    NaN for a class that is never the truth: there was nothing to find.
    """
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    present, said = counts.sum(axis=-1), counts.sum(axis=-2)
    return np.where(present > 0, _divided(2 * right, present + said), np.nan)


def macro_f1(counts: Matrix, /) -> npt.NDArray[np.float64]:
    """Returns the mean F1 of the classes that occur, for matrices (..., K, K); NaN for none.

    The mean of the F1 scores, not the F1 of the mean precision and recall (Opitz & Burst 2019).
    """
    scores = f1_per_class(counts)
    known = ~np.isnan(scores)
    return _divided(np.where(known, scores, 0).sum(axis=-1), known.sum(axis=-1))


def against_the_rest(counts: Matrix, place: int, /) -> Confusion:
    """Returns the counts of one class of a matrix (K, K) as a binary decision."""
    tp = int(counts[place, place])
    fn, fp = int(counts[place].sum()) - tp, int(counts[:, place].sum()) - tp
    return Confusion(tn=int(counts.sum()) - tp - fn - fp, fp=fp, fn=fn, tp=tp)


def losses(probabilities: npt.NDArray[np.floating], truth: Classes, /) -> npt.NDArray[np.float64]:
    """Returns the cross-entropy of each row, -log of the true class's probability: float64 (N,)."""
    chosen = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    # A probability that underflowed to 0 would have an infinite loss, which no file can hold.
    return np.asarray(-np.log(np.maximum(chosen, np.finfo(np.float64).tiny)))


def _divided(part: npt.ArrayLike, whole: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns part / whole; NaN where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    found = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
