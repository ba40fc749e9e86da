import dataclasses

import pytest
import torch

from rtau.contract import CropRule
from rtau_export.cli import main
from rtau_train.fitting.lab_record import write_record
from rtau_train.models import build
from rtau_train.models.checkpoint import Model, save_model
from tests.support.read_back import checkpoint_of
from tests.support.training import ROOT, lab_record, shipped_recipe

SHIPPED = ROOT / "engines" / "shufflenetv2-au14.onnx"


def pytest_collection_modifyitems(items):
    for item in items:
        if "parity" in item.path.parts:
            for mark in ("needs_torch", "needs_onnx", "needs_onnxruntime"):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def model():
    """The shipped architecture with random weights, its batch norms shaken out of identity."""
    recipe = shipped_recipe()
    torch.manual_seed(11)
    net = build(recipe.network).train()
    shape = (8, recipe.network.input_size, recipe.network.input_size, 3)
    with torch.no_grad():
        for _ in range(3):
            net(torch.randint(0, 256, shape, dtype=torch.uint8))
    return Model(
        recipe=recipe,
        recipe_path="train/recipes/shufflenetv2-synth.toml",
        epochs_done=0,
        thresholds=(0.5,) * 12,
        cam_scale=(1.0,) * 12,
        weights=net.state_dict(),
        is_dense=True,
    )


@pytest.fixture(scope="session")
def trained():
    """The shipped model with its trained weights, read back from its file."""
    return checkpoint_of(SHIPPED, shipped_recipe())


@pytest.fixture(params=["random", "trained"])
def either(request, model):
    """The shipped architecture, with random and with trained weights."""
    return model if request.param == "random" else request.getfixturevalue("trained")


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory):
    """The file that `rtau-export onnx` writes of it."""
    folder = tmp_path_factory.mktemp("export")
    save_model(folder / "model.pt", model)
    write_record(folder, lab_record())
    out = folder / "random-au12.onnx"
    arguments = ["--out", str(out), "--crop-expand", "1.25", "--crop-offset-y", "0.02"]
    assert main(["onnx", str(folder / "model.pt"), *arguments]) == 0
    return out


@pytest.fixture(scope="session")
def crop_rule(model):
    """The rule the flags of `exported` ask for."""
    rule: CropRule = model.recipe.shipping.haar_crop
    return dataclasses.replace(rule, expand=1.25, offset_y=0.02)
