"""FACS intensities 0-5 of a model's probabilities, of both sides of the face where it tells them.

The scale is part of the contract: per label the probability at each of the intensities 0 to 5,
chosen when the model was calibrated. Between them the intensity is linear in log-odds. It follows
from the probability alone, so the two never contradict each other: 2 is reached at the threshold.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from rtau._records import check_array, freeze, shapes

Values = npt.NDArray[np.float32]

Scale = tuple[tuple[float, ...], ...]

# FACS's E, maximum; A is 1, and 0 is absent.
HIGHEST = 5.0
_LEAST_ODDS = 1e-6


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class Intensities:
    """Intensities of the faces of one frame, a row each."""

    values: npt.NDArray[np.float32]
    """float32 (N, A) in [0, 5], in the order of the labels."""
    sides: tuple[str, ...] = ()
    """The S labels whose sides are told apart."""
    left_right: npt.NDArray[np.float32] | None = None
    """float32 (N, S, 2) in [0, 5]: the person's own left and right; None without sides."""

    def __post_init__(self) -> None:
        check_array("values", self.values, dtype=np.float32, shape=("N", "A"))
        freeze(self, "values")
        if self.left_right is not None:
            shape = (len(self.values), len(self.sides), 2)
            check_array("left_right", self.left_right, dtype=np.float32, shape=shape)
            freeze(self, "left_right")

    def of(self, row: int, labels: tuple[str, ...], /) -> dict[str, float]:
        """Returns the intensity of each label of one face."""
        return dict(zip(labels, self.values[row].tolist(), strict=True))

    def sides_of(self, row: int, /) -> dict[str, tuple[float, float]] | None:
        """Returns the intensities left and right of one face; None where they are not told."""
        if self.left_right is None:
            return None
        pairs = self.left_right[row].tolist()
        return {
            label: (left, right) for label, (left, right) in zip(self.sides, pairs, strict=True)
        }

    __repr__ = shapes


def intensities(probabilities: Values, scale: Scale, /) -> Values:
    """Returns float32 (N, A) in [0, 5] of probabilities (N, A).

    Args:
        probabilities: in [0, 1].
        scale: per label the probability at each intensity 0 to 5, rising.
    """
    starts, steps = _steps_of(scale)
    above = (log_odds(probabilities)[:, :, None] - starts) / steps  # (N, A, 5)
    # Levels are 1 apart, so the parts of all steps add up to the place between the knots.
    return np.asarray(np.clip(above, 0, 1).sum(axis=2), np.float32)


def left_right(values: Values, differences: Values, /) -> Values:
    """Returns float32 (N, S, 2): intensities left and right of the person's face.

    Args:
        values: (N, S), intensities of the labels with sides: the mean of both, as far as 0 and 5
            allow.
        differences: (N, S): left minus right.
    """
    half = np.clip(differences / 2, -values, values)
    both = np.stack([values + half, values - half], axis=-1)
    return np.asarray(np.clip(both, 0, HIGHEST), np.float32)


@functools.lru_cache(maxsize=4)
def _steps_of(scale: Scale) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns the log-odds at which each step of a scale begins, and its height: both (A, 5)."""
    knots = log_odds(np.array(scale))
    return knots[:, :-1], np.diff(knots, axis=1)


def log_odds(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Returns log(p / (1 - p)), finite: what lies nearer to 0 or 1 than a millionth is limited."""
    limited = np.clip(probabilities.astype(np.float64), _LEAST_ODDS, 1 - _LEAST_ODDS)
    return np.asarray(np.log(limited / (1 - limited)))
