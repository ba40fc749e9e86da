"""The Grad-CAM written as two matrix products, against torch's autograd."""

import pytest
import torch

from rtau_export.graph import FaceGraph
from rtau_export.verify import probe_crops
from rtau_train.cam import logits_and_cams
from rtau_train.models.facenet import Head
from tests.support.training import shipped_recipe


def autograd_cams(maps, head):
    """Grad-CAM by its definition (Selvaraju et al., ICCV 2017): one backward pass per AU."""
    maps = maps.detach().requires_grad_()
    logits = head(maps.mean(dim=(2, 3)))
    cams = []
    for label in range(logits.shape[1]):
        (gradient,) = torch.autograd.grad(logits[:, label].sum(), maps, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        cams.append(torch.relu((weights * maps).sum(dim=1)))
    return logits.detach(), torch.stack(cams, dim=1).detach()


@pytest.mark.parametrize("shape", [(1, 16, 7, 7), (5, 33, 4, 9), (2, 8, 1, 1)])
def test_random_heads_and_maps_agree_with_autograd(shape):
    torch.manual_seed(4)
    head = Head(shape[1], shipped_recipe().network).double().eval()
    maps = torch.randn(shape, dtype=torch.float64)

    wanted_logits, wanted = autograd_cams(maps, head)
    with torch.inference_mode():
        logits, cams = logits_and_cams(maps, head)

    assert wanted.max() > 0
    assert (cams - wanted).abs().max() < 1e-9
    assert (logits - wanted_logits).abs().max() < 1e-9


def test_the_shipped_architecture_agrees_with_autograd(model):
    net = model.network().double()
    size = model.recipe.network.input_size
    crops = torch.from_numpy(probe_crops(3, size=size))
    with torch.inference_mode():
        maps = net.features(crops)
        logits, cams = FaceGraph(net, with_cams=True)(crops)

    wanted_logits, wanted = autograd_cams(maps.clone(), net.head)

    assert cams.shape == (3, 12, 7, 7)
    assert wanted.max() > 0
    assert (cams - wanted).abs().max() < 1e-9 * max(1.0, float(wanted.max()))
    assert (logits - wanted_logits).abs().max() < 1e-9
