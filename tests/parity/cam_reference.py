"""Grad-CAM and Grad-CAM++ by their definitions, with autograd: what the tests compare to."""

import torch
from torch.nn import functional


def pooled(maps, *, kind, max_pool_first):
    """Global pooling written as the networks were published."""
    if max_pool_first:
        maps = functional.max_pool2d(maps, kernel_size=2, stride=2)
    if kind == "max":
        return functional.adaptive_max_pool2d(maps, 1).flatten(1)
    return functional.adaptive_avg_pool2d(maps, 1).flatten(1)


def autograd_cams(maps, head, *, kind="average", max_pool_first=False):
    """Returns logits and the two kinds of CAM, one backward pass per label.

    Selvaraju et al., ICCV 2017, equations 1 and 2; Chattopadhay et al., WACV 2018, equations 10,
    19 and 20, cell by cell.
    """
    maps = maps.detach().clone().requires_grad_()
    logits = head(pooled(maps, kind=kind, max_pool_first=max_pool_first))
    plain, plus_plus = [], []
    for label in range(logits.shape[1]):
        (slope,) = torch.autograd.grad(logits[:, label].sum(), maps, retain_graph=True)
        with torch.no_grad():
            weights = slope.mean(dim=(2, 3), keepdim=True)
            plain.append(torch.relu((weights * maps).sum(dim=1)))
            heat = maps.sum(dim=(2, 3), keepdim=True)
            denominators = 2 * slope**2 + slope**3 * heat
            # The guard of rtau_train.models.cam: 0 where the derivative is 0, else off the pole.
            held = torch.maximum(denominators, slope**2)
            alphas = torch.where(slope == 0, 0.0, slope**2 / held)
            weights = (alphas * torch.relu(slope)).sum(dim=(2, 3), keepdim=True)
            plus_plus.append(torch.relu((weights * maps).sum(dim=1)))
    return logits.detach(), {
        "gradcam": torch.stack(plain, dim=1),
        "gradcam++": torch.stack(plus_plus, dim=1),
    }
