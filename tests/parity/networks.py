"""The networks with random weights and batch norms that have seen pictures, as checkpoints."""

import dataclasses

import torch

from rtau.backends.parity import probe_crops
from rtau_train.fit_settings import HAVE_DENSE_FORM
from rtau_train.models import build
from rtau_train.models.checkpoint import Model
from tests.support.training import shipped_recipe

# Smallest crops each takes with a heatmap of 7x7 cells; NASNet Mobile has no dense form.
SIZES = {"nasnet_mobile": 224}


def random_model(name, **changes):
    """A checkpoint as training would leave it; keywords replace fields of the network."""
    recipe = shipped_recipe()
    network = dataclasses.replace(
        recipe.network, name=name, input_size=SIZES.get(name, 112), landmarks=False, **changes
    )
    # A network with one form only cannot be asked for its dense one.
    dense_epochs = recipe.fit.dense_epochs if name in HAVE_DENSE_FORM else 0
    fit = dataclasses.replace(recipe.fit, landmark_weight=0.0, dense_epochs=dense_epochs)
    torch.manual_seed(12)
    net = build(network).train()
    if any(isinstance(layer, torch.nn.BatchNorm2d) for layer in net.modules()):
        # Statistics of these very layers; untouched ones let a deep network's values explode.
        with torch.no_grad():
            for _ in range(4):
                net(torch.from_numpy(probe_crops(4, size=network.input_size)))
    labels = len(network.labels)
    return Model(
        recipe=dataclasses.replace(recipe, network=network, fit=fit),
        recipe_path="train/recipes/none.toml",
        epochs_done=0,
        thresholds=(0.5,) * labels,
        cam_scale=(1.0,) * labels,
        weights=net.state_dict(),
        is_dense=dense_epochs > 0,
        cam_plus_plus_scale=(2.0,) * labels,
    )
