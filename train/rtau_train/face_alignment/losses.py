"""What the network is punished for: wrong presence, points that are off, and squares that are off.

Pure functions of tensors. Called by `fit.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rtau.squares import PointRule, coefficients
from rtau_train.face_alignment.examples import SIZE_PX

# Errors under these count by their square, larger ones by themselves: in sides of the crop, and
# for squares in sides of the square.
_SMALL_POINT = 0.02
_SMALL_SQUARE = 0.03


class SquareFit:
    """The square that follows from points, as a linear map of them that can be learnt through."""

    def __init__(self, rule: PointRule) -> None:
        stretch, centre = coefficients(rule)
        both = torch.tensor([[c.real, c.imag] for c in (*stretch, *centre)], dtype=torch.float32)
        self._factors = both.reshape(2, -1, 2)  # (stretch or centre, K, re or im)

    def __call__(self, points_xy: Tensor) -> Tensor:
        """Returns side times cos and sin of the roll, and the centre: (N, 4), px."""
        x, y = points_xy[..., 0], points_xy[..., 1]  # (N, K)
        parts = [
            part
            for real, imaginary in (factor.unbind(-1) for factor in self._factors)
            for part in (x @ real - y @ imaginary, x @ imaginary + y @ real)
        ]
        return torch.stack(parts, dim=-1)


def presence_loss(logits: Tensor, presence: Tensor) -> Tensor:
    """Returns the mean cross-entropy of presence."""
    return functional.binary_cross_entropy_with_logits(logits, presence)


def points_loss(points: Tensor, wanted: Tensor, /, *, presence: Tensor, weights: Tensor) -> Tensor:
    """Returns the weighted mean error of the points of faces, in small errors; 0 without a face."""
    errors = functional.smooth_l1_loss(
        points / SIZE_PX, wanted / SIZE_PX, beta=_SMALL_POINT, reduction="none"
    )
    each = (errors.mean(dim=2) * weights).sum(dim=1) / weights.sum()  # (N,)
    return (each * presence).sum() / presence.sum().clamp(min=1) / _SMALL_POINT


def square_loss(fit: SquareFit, points: Tensor, wanted: Tensor, /, *, presence: Tensor) -> Tensor:
    """Returns the mean error of side, roll and centre of faces, in small errors of a side."""
    truth = fit(wanted)
    side = truth[:, :2].norm(dim=1, keepdim=True).clamp(min=1)
    errors = functional.smooth_l1_loss(
        fit(points) / side, truth / side, beta=_SMALL_SQUARE, reduction="none"
    ).mean(dim=1)
    return (errors * presence).sum() / presence.sum().clamp(min=1) / _SMALL_SQUARE
