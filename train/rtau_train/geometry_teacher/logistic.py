"""Logistic regression with balanced classes: one linear score per label.

The loss is scikit-learn's `LogisticRegression(C=C, class_weight="balanced")`, which tests compare
with; only SciPy is needed. Called by `teacher.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Floats = npt.NDArray[np.float64]


def fitted(features: Floats, occurs: npt.NDArray[np.bool_], /, *, c: float) -> tuple[Floats, float]:
    """Returns weights (F,) and intercept of the score whose sign says whether a label occurs.

    Args:
        features: float64 (N, F), standardised.
        occurs: bool (N,), both values must be there.
        c: inverse strength of the penalty on the squared weights.
    """
    rows = len(occurs)
    signs = np.where(occurs, 1.0, -1.0)
    balance = np.where(occurs, rows / (2 * occurs.sum()), rows / (2 * (~occurs).sum()))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, intercept = parameters[:-1], parameters[-1]
        margins = signs * (features @ weights + intercept)
        value = c * (balance * np.logaddexp(0, -margins)).sum() + weights @ weights / 2
        slopes = -c * balance * signs * expit(-margins)
        return float(value), np.append(features.T @ slopes + weights, slopes.sum())

    start = np.zeros(features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return np.asarray(found.x[:-1]), float(found.x[-1])
