"""Grad-CAM and Grad-CAM++ of every label at once without a backward pass.

With feature maps A, pooled values z, h = relu(W1 z + b1) and y = W2 h + b2 the derivative of y_k by
z_c is g_kc = (W2[k] * 1[h > 0] @ W1)[c], plus D[k, c] where the network adds D z to y. Pooling
shares it evenly among the n cells of the map that z_c depends on (average: all; max: the argmax;
VGG19: one per window of its last max-pool). So the derivative by A_c is g_kc / n on n cells and 0
elsewhere, and both methods are a few small matrix products, whichever cells those are. Nothing is
scaled: callers divide by a fixed number. Called by the evaluation and by `rtau_export.graph`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rtau.contract import CamMethod
from rtau_train.models.facenet import Direct, Head
from rtau_train.models.pooling import Pooling

# Maps that are never negative keep Grad-CAM++'s denominator, in units of the squared derivative,
# at 2 or more. Only the negative tail of a SiLU could bring it towards its pole at 0; there it is
# held at half of that, so no map can weigh more than twice what the paper's own networks allow.
LEAST_DENOMINATOR = 1.0


def logits_and_cams(
    maps: Tensor,
    head: Head,
    pooling: Pooling,
    /,
    *,
    direct: Direct | None = None,
    method: CamMethod = "gradcam",
) -> tuple[Tensor, Tensor]:
    """Returns logits (N, A) and CAMs (N, A, h, w) >= 0 of feature maps (N, C, h, w).

    The derivative is that of the logit, for softmax heads too, dropout being off (eval mode).
    `direct` is what the network adds to the head's logits, `FaceNet.direct`.
    """
    logits, slopes = logits_and_slopes(pooling(maps), head, direct=direct)
    if method == "gradcam":
        weights = gradcam_weights(slopes, maps)  # (N, A, C)
    else:
        weights = gradcam_plus_plus_weights(slopes, maps, cells=pooling.touched_cells(maps))
    cams = torch.relu(weights @ maps.flatten(2))  # (N, A, h * w)
    return logits, cams.reshape(-1, cams.shape[1], maps.shape[2], maps.shape[3])


def logits_and_slopes(
    pooled: Tensor, head: Head, /, *, direct: Direct | None = None
) -> tuple[Tensor, Tensor]:
    """Returns logits (N, A) and their derivatives by the pooled values, (N or 1, A, C)."""
    if head.hidden is None:
        logits, slopes = head.out(pooled), head.out.weight.unsqueeze(0)
    else:
        before_relu = head.hidden(pooled)  # (N, hidden)
        open_units = (before_relu > 0).to(pooled.dtype)
        paths = open_units.unsqueeze(1) * head.out.weight  # (N, A, hidden)
        logits, slopes = head.out(torch.relu(before_relu)), paths @ head.hidden.weight
    if direct is None:
        return logits, slopes
    matrix, offset = direct
    return logits + functional.linear(pooled, matrix, offset), slopes + matrix


def gradcam_weights(slopes: Tensor, maps: Tensor, /) -> Tensor:
    """Returns the weight of each map for each label, (N, A, C): the mean derivative by its cells.

    Selvaraju et al., ICCV 2017, equation 1. The shares of the touched cells add up to the slope,
    so the mean over all cells does not depend on how the maps were pooled.
    """
    return slopes / (maps.shape[2] * maps.shape[3])


def gradcam_plus_plus_weights(slopes: Tensor, maps: Tensor, /, *, cells: int) -> Tensor:
    """Returns the weight of each map for each label, (N, A, C), of Grad-CAM++.

    Chattopadhay et al., WACV 2018, equations 10 and 19 for an exponential score: on each of the
    `cells` touched cells the derivative is d = slope / cells, alpha = d^2 / (2 d^2 + d^3 sum(A))
    and the weight is the sum of alpha relu(d). Divided by d^2 this has no 0 / 0 where d is 0.
    """
    rising = torch.relu(slopes)
    heat = maps.sum(dim=(2, 3)).unsqueeze(1)  # (N, 1, C)
    denominators = (2 + heat * rising / cells).clamp(min=LEAST_DENOMINATOR)
    return rising / denominators
