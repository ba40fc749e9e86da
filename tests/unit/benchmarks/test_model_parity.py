import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch", reason="compares with torch")
pytest.importorskip("onnxruntime", reason="runs the model that ships")

from benchmarks.model_parity import FACES, reference
from rtau.backends import open_engine
from rtau.backends.parity import as_crops
from rtau_export.labelled import read_labelled
from tests.support.read_back import checkpoint_of
from tests.support.training import ROOT, shipped_recipe

FEW = 8


def test_torch_says_what_the_file_says_with_what_its_landmarks_add():
    shipped = ROOT / "engines" / "shufflenetv2-au14.onnx"
    with open_engine(str(shipped), threads=1) as engine:
        truth = read_labelled(FACES, engine.contract)
        few = {name: getattr(truth, name)[:FEW] for name in ("images_rgb", "occurs", "coded")}
        truth = dataclasses.replace(truth, **few)
        said = engine.infer(as_crops(truth.images_rgb)).logits
        found = reference(checkpoint_of(shipped, shipped_recipe()), engine.contract, truth)

    for one in found.values():
        np.testing.assert_allclose(one.scores.logits, said, atol=1e-3)
