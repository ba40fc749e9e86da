"""The training loss: binary cross-entropy of soft AU targets plus a landmark regression.

The landmarks come free with renders and make learning start: without them the same data taught a
randomly initialised network nothing. Called by the loop.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from rtau_train.recipe import Fit


def soft_targets(intensities: Tensor, *, full_intensity: float) -> Tensor:
    """Returns targets in [0, 1]: intensity over `full_intensity`, clipped."""
    return (intensities / full_intensity).clamp(0, 1)


def total_loss(
    outputs: tuple[Tensor, Tensor | None], intensities: Tensor, landmarks: Tensor, /, *, fit: Fit
) -> Tensor:
    """Returns the scalar to minimise.

    Args:
        outputs: logits (N, A) and predicted landmarks (N, 68, 2), or None without.
        intensities: (N, A), 0-5.
        landmarks: (N, 68, 2), [-1, 1] across the crop.
        fit: weights of the parts.
    """
    logits, predicted = outputs
    targets = soft_targets(intensities, full_intensity=fit.full_intensity)
    occurrence = functional.binary_cross_entropy_with_logits(logits, targets)
    if predicted is None:
        return occurrence
    geometry = functional.smooth_l1_loss(predicted, landmarks)
    return occurrence + fit.landmark_weight * geometry
