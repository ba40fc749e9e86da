from pathlib import Path

import numpy as np
import pytest

from rtau.backends import open_engine

pytest.importorskip("torch", reason="reads folders of crops as training does")

# Below, what needs torch.
from benchmarks.face_sides import log_odds_differences
from rtau_train.datasets.crop_folder import read_folder
from rtau_train.evaluation.evaluate import cut_plain
from rtau_train.recipe import read_recipe

ROOT = Path(__file__).parents[3]
RENDERS = ROOT / "tests" / "data" / "synth-facs"
RECIPE = ROOT / "train" / "recipes" / "shufflenetv2-au18.toml"


def test_the_sides_of_the_default_model_swap_in_a_mirror():
    with open_engine("shufflenetv2-au14", threads=1) as engine:
        data = read_folder(RENDERS, labels=engine.contract.labels)
        crops = cut_plain(data, np.arange(20), read_recipe(RECIPE))
        found = log_odds_differences(engine, crops)
        mirrored = log_odds_differences(engine, np.ascontiguousarray(crops[:, :, ::-1]))

    assert found.shape == (20, len(engine.contract.labels))
    assert np.abs(found).max() > 1
    np.testing.assert_allclose(mirrored, -found, atol=1e-3)
