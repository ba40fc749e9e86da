"""The training loss: cross-entropy of the labels, its variants, and a landmark regression.

The first paper names no loss ("Loss Function: Adam"); binary cross-entropy is our reading. With
renders the landmarks come free and make learning start: without them the same data taught a
randomly initialised network nothing. Called by the loop.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from rtau.data import Task
from rtau_train.datasets.labelled_crops import OCCURS_FROM
from rtau_train.fit_settings import Fit

# Ridnik et al., ICCV 2021, section 3: focusing of absent labels and the margin they are shifted by.
ABSENT_FOCUS, ABSENT_MARGIN = 4, 0.05
# A label shown once in ten thousand pictures must not outweigh all others.
MOST_WEIGHT = 20.0


def soft_targets(intensities: Tensor, *, full_intensity: float) -> Tensor:
    """Returns targets in [0, 1]: intensity over `full_intensity`, clipped; 0: occurrence."""
    if full_intensity == 0:
        return (intensities >= OCCURS_FROM).to(intensities.dtype)
    return (intensities / full_intensity).clamp(0, 1)


def balanced_weights(targets: Tensor, *, task: Task) -> Tensor:
    """Returns a weight per label, (A,), from the training rows' targets (N, A).

    multi_label: absent over present rows, for the present ones; multi_class: rows over A times the
    class's rows. At most `MOST_WEIGHT`; a label that is never present weighs 1.
    """
    known = ~torch.isnan(targets)
    filled = torch.nan_to_num(targets)
    if task == "multi_class":
        present = filled.sum(dim=0)
        weights = len(targets) / (targets.shape[1] * present.clamp(min=1))
    else:
        present = ((filled >= OCCURS_FROM) & known).sum(dim=0)
        weights = (known.sum(dim=0) - present) / present.clamp(min=1)
    return torch.where(present > 0, weights, torch.ones_like(weights)).clamp(max=MOST_WEIGHT)


def label_loss(
    logits: Tensor, targets: Tensor, /, *, fit: Fit, task: Task, weights: Tensor | None = None
) -> Tensor:
    """Returns the mean loss over the labels that are coded; 0 where none is.

    Args:
        logits: (N, A).
        targets: (N, A): intensities 0-5, NaN where not coded, or one-hot classes.
        fit: names the loss.
        task: of the network.
        weights: (A,) of `balanced_weights`, or None.
    """
    if task == "multi_class":
        return functional.cross_entropy(logits, targets, weight=weights)
    coded = ~torch.isnan(targets)
    wanted = soft_targets(torch.nan_to_num(targets), full_intensity=fit.full_intensity)
    if fit.loss == "focal":
        # Lin et al., ICCV 2017, equation 5, gamma 2; without alpha, which class_weights replace.
        each = sigmoid_focal_loss(logits, wanted, alpha=-1, gamma=2)
        each = each if weights is None else each * (1 + (weights - 1) * wanted)
    elif fit.loss == "asymmetric":
        each = _asymmetric(logits, wanted)
        each = each if weights is None else each * (1 + (weights - 1) * wanted)
    else:
        each = functional.binary_cross_entropy_with_logits(
            logits, wanted, pos_weight=weights, reduction="none"
        )
    mean: Tensor = (each * coded).sum() / coded.sum().clamp(min=1)
    return mean


def total_loss(
    outputs: tuple[Tensor, Tensor | None],
    targets: Tensor,
    landmarks: Tensor | None,
    /,
    *,
    fit: Fit,
    task: Task = "multi_label",
    weights: Tensor | None = None,
) -> Tensor:
    """Returns the scalar to minimise.

    Args:
        outputs: logits (N, A) and predicted landmarks (N, 68, 2), or None without.
        targets: (N, A), as for `label_loss`.
        landmarks: (N, 68, 2), [-1, 1] across the crop, NaN in a row without; None where the data
            have none.
        fit: names the loss and weighs the parts.
        task: of the network.
        weights: per label, or None.
    """
    logits, predicted = outputs
    labels = label_loss(logits.float(), targets, fit=fit, task=task, weights=weights)
    if predicted is None or landmarks is None:
        return labels
    return labels + fit.landmark_weight * _landmark_loss(predicted.float(), landmarks)


def _landmark_loss(predicted: Tensor, landmarks: Tensor) -> Tensor:
    """Returns the mean over the points that are known; 0 where none is."""
    known = torch.isfinite(landmarks)
    each = functional.smooth_l1_loss(predicted, torch.nan_to_num(landmarks), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def _asymmetric(logits: Tensor, wanted: Tensor) -> Tensor:
    """Returns Ridnik et al.'s loss of each label (equations 4-7), positive focusing 0."""
    present = torch.sigmoid(logits)
    shifted = (present - ABSENT_MARGIN).clamp(min=0)
    hit = wanted * functional.logsigmoid(logits)
    miss = (1 - wanted) * shifted**ABSENT_FOCUS * torch.log((1 - shifted).clamp(min=1e-8))
    return -(hit + miss)
