"""Brings logits to probabilities of occurrence and keeps neutral faces below the thresholds.

Soft targets teach intensity, so a network's raw outputs are no probabilities that an AU occurs. Two
numbers per label, chosen on held-out rows, mend that; they are folded into the last layer, so that
the deployed graph needs no further step. Called by `rtau_train.evaluation.evaluate`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rtau.errors import UsageError

Logits = npt.NDArray[np.floating]
Truth = npt.NDArray[np.bool_]

# Newton's steps; a fit of two numbers takes about ten.
STEPS = 100
# A logit must keep its direction and some of its scale, however little the data say.
LEAST_SLOPE = 0.05
# Fewer rows of a class say nothing about odds.
LEAST_ROWS = 20
# Share of neutral faces that may lie above a threshold.
NEUTRAL_ALARMS = 0.02
# Neutral faces that lie lower than this say no more: a threshold near 0 would be noise.
LEAST_NEUTRAL = 0.05


def temperature_and_shift(logits: Logits, occurs: Truth, /) -> tuple[float, float]:
    """Returns T > 0 and s for which sigmoid((logit - s) / T) is the probability of occurrence.

    The likelihood's maximum with Platt's smoothed targets (Platt 1999, section 2.2), by Newton's
    method. A label with fewer than `LEAST_ROWS` of either class keeps its logits: T = 1, s = 0.

    Args:
        logits: (N,).
        occurs: bool (N,).
    """
    present = int(occurs.sum())
    absent = len(occurs) - present
    if min(present, absent) < LEAST_ROWS:
        return 1.0, 0.0
    wanted = np.where(occurs, (present + 1) / (present + 2), 1 / (absent + 2))
    columns = np.stack([logits.astype(np.float64), np.ones(len(logits))], axis=1)
    line = np.array([1.0, np.log((present + 1) / (absent + 1))])
    for _ in range(STEPS):
        said = _sigmoid(columns @ line)
        slope = columns.T @ (said - wanted)
        curve = columns.T @ (columns * (said * (1 - said))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        # A full step may overshoot where nearly all probabilities are 0 or 1.
        line = line - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    scale = max(float(line[0]), LEAST_SLOPE)
    return 1 / scale, -float(line[1]) / scale


def folded(weights: dict[str, Tensor], temperature: Logits, shift: Logits, /) -> dict[str, Tensor]:
    """Returns a network's weights whose logits are (logit - shift) / temperature.

    Args:
        weights: state dict of a `FaceNet`.
        temperature: (A,), positive.
        shift: (A,).
    """
    matrix, bias = weights["head.out.weight"], weights["head.out.bias"]
    divide, move = (bias.new_tensor(np.asarray(values)) for values in (temperature, shift))
    changed = {
        "head.out.weight": matrix / divide[:, None],
        "head.out.bias": (bias - move) / divide,
    }
    for name in ("geometry.weight", "geometry.bias"):
        if name in weights:
            value = weights[name]
            changed[name] = value / divide.reshape(-1, *(1,) * (value.ndim - 1))
    return {**weights, **changed}


def quiet_threshold(neutral: Logits, /) -> float:
    """Returns the lowest threshold that a share of `NEUTRAL_ALARMS` of neutral faces reaches.

    Args:
        neutral: probabilities of one label on faces that show nothing, (N,).

    Raises:
        UsageError: there are too few faces to tell.
    """
    allowed = int(len(neutral) * NEUTRAL_ALARMS)
    if len(neutral) * NEUTRAL_ALARMS < 1:
        raise UsageError(
            f"--neutral needs {round(1 / NEUTRAL_ALARMS)} neutral faces or more to choose "
            f"thresholds by, got {len(neutral)}"
        )
    ordered = np.sort(neutral)[::-1]
    # Halfway between the last face that may lie above and the first that may not.
    return float((ordered[allowed - 1] + ordered[allowed]) / 2)


def photographic_threshold(best: float, neutral: float, /) -> float:
    """Returns a threshold for photographs from one of best F1 on renders and a quiet one.

    Photographs of people score lower than renders of the same action. Where neutral faces reach
    `best`, the quiet threshold is taken; where they stay below it, the threshold comes down halfway
    to them, in log-odds.

    Args:
        best: threshold of best F1 where labels are known.
        neutral: `quiet_threshold` of neutral photographs.
    """
    if neutral >= best:
        return neutral
    odds = [np.log(value / (1 - value)) for value in (best, max(neutral, LEAST_NEUTRAL))]
    return min(best, float(_sigmoid(np.array([np.mean(odds)]))[0]))


def _sigmoid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))))
