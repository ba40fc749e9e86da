"""Numbers as text, for CSV and JSON lines.

A probability that is rounded to a few digits can lie on the other side of its threshold when it is
read back; these texts do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtau.columns import BOX_DIGITS, LANDMARK_DIGITS


def probability_text(
    value: np.float32, *, threshold: float | None = None, active: bool | None = None
) -> str:
    """Returns a decimal that reads back as `value`, if possible on the decision's side.

    Every candidate rounds to the same float32. The shortest may lie on the wrong side of a
    threshold that is not a float32 (0.7 is printed for 0.69999999), so the exact value and the
    threshold are tried next. With smoothing a decision may contradict the raw value: then the
    shortest is used.

    Args:
        value: the probability, float32 in [0, 1].
        threshold: at or above it the label is active; None without one.
        active: the decision.
    """
    shortest = np.format_float_positional(value, unique=True, trim="0")
    if threshold is None or active is None or (float(shortest) >= threshold) == active:
        return shortest
    exact = np.format_float_positional(np.float64(value), unique=True, trim="0")
    if (float(exact) >= threshold) == active:
        return exact
    if active and np.float32(threshold) == value:
        return np.format_float_positional(np.float64(threshold), unique=True, trim="0")
    return shortest


def calibrated_texts(values: np.ndarray, thresholds: Sequence[float] | None) -> list[str]:
    """Returns probabilities (A,) relative to a neutral, each on its side of its threshold."""
    if thresholds is None:
        return [probability_text(value) for value in values]
    return [
        probability_text(value, threshold=limit, active=bool(value >= np.float32(limit)))
        for value, limit in zip(values, thresholds, strict=True)
    ]


def box_xywh(box_xyxy: np.ndarray) -> tuple[float, float, float, float]:
    """Returns x, y, width and height in frame space, px, rounded so that x + width is x1 rounded.

    Args:
        box_xyxy: float32 (4,), frame space, px, half-open.
    """
    x0, y0, x1, y1 = rounded_box(box_xyxy)
    return x0, y0, round(x1 - x0, BOX_DIGITS), round(y1 - y0, BOX_DIGITS)


def rounded_points(points_xy: np.ndarray) -> list[list[float]]:
    """Returns landmarks (K, 2), px, rounded to `LANDMARK_DIGITS`: K pairs."""
    # + 0.0 turns a rounded -0.0 into 0.0.
    return [[round(value, LANDMARK_DIGITS) + 0.0 for value in pair] for pair in points_xy.tolist()]


def point_texts(points_xy: np.ndarray) -> list[str]:
    """Returns landmarks (K, 2), px, with `LANDMARK_DIGITS`: K texts of x, then K of y."""
    texts = [f"{value:.{LANDMARK_DIGITS}f}" for value in points_xy.T.ravel().tolist()]
    zero = f"{0:.{LANDMARK_DIGITS}f}"
    return [zero if text == f"-{zero}" else text for text in texts]


def rounded_box(box_xyxy: np.ndarray) -> tuple[float, float, float, float]:
    """Returns the corners of a box, px, rounded to `BOX_DIGITS`; float32 (4,) in."""
    # + 0.0 turns a rounded -0.0 into 0.0.
    x0, y0, x1, y1 = (round(float(corner), BOX_DIGITS) + 0.0 for corner in box_xyxy)
    return x0, y0, x1, y1
