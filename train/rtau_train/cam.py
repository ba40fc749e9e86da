"""Grad-CAM of every AU at once without a backward pass, for heads of one hidden ReLU layer.

With feature maps A, z = mean(A), h = relu(W1 z + b1), y = W2 h + b2 the derivative of y_k by
A_c(i, j) is (W2[k] * 1[h > 0] @ W1)[c] / (H W), the same at every pixel; so Grad-CAM (Selvaraju et
al., ICCV 2017) is two matrix products. No normalisation: callers scale by a fixed number.
Called by the evaluation and by `rtau_export.graph`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rtau_train.models.facenet import Head


def logits_and_cams(maps: Tensor, head: Head) -> tuple[Tensor, Tensor]:
    """Returns logits (N, A) and Grad-CAMs (N, A, h, w) >= 0 of feature maps (N, C, h, w).

    The derivative is that of the logit, dropout being off (eval mode).
    """
    pooled = maps.mean(dim=(2, 3))  # (N, C)
    before_relu = head.hidden(pooled)  # (N, hidden)
    logits = head.out(torch.relu(before_relu))
    open_units = (before_relu > 0).to(maps.dtype)
    paths = open_units.unsqueeze(1) * head.out.weight  # (N, A, hidden)
    pixels = maps.shape[2] * maps.shape[3]
    weights = paths @ head.hidden.weight / pixels  # (N, A, C)
    cams = torch.relu(weights @ maps.flatten(2))  # (N, A, h * w)
    return logits, cams.reshape(-1, cams.shape[1], maps.shape[2], maps.shape[3])
