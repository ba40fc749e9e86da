"""Damaged files of training are read, or refused in one line: recipes, folders, logs, checkpoints.

`make test` draws a few of each, `make fuzz` thousands.
"""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtau.errors import RtauError
from tests.support.mutations import bytes_like, fuzzed, json_like, words_like

torch = pytest.importorskip("torch")

# Below, what needs torch.
from rtau_train.datasets.crop_folder import LABELS, LANDMARKS, read_folder  # noqa: E402
from rtau_train.datasets.prepare.cuts import FILE_NAME, CutLog  # noqa: E402
from rtau_train.models.checkpoint import load_state, save_state  # noqa: E402
from rtau_train.recipe import read_recipe  # noqa: E402
from tests.support.commands import ROOT  # noqa: E402
from tests.support.prepared import CUT_64  # noqa: E402

RECIPE = (ROOT / "train/recipes/shufflenetv2-au12.toml").read_bytes()
TABLE = b"file,subject,AU01,AU12\na.png,p1,0,1.5\nb.png,p2,,5\n"
CUT = {
    **{"image": "a.png", "stamp": "1-2", "crop": "a.jpg", "reason": "", "faces": 1},
    "image_from_crop": [0.5, 0.0, 1.0, 0.0, 0.5, 9.0],
}


def test_a_damaged_recipe_is_read_or_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(RECIPE)
    assert read_recipe(path).network.name == "shufflenetv2_x1_0"

    @fuzzed
    @given(st.one_of(words_like(RECIPE), bytes_like(RECIPE)))
    def damaged(data):
        path.write_bytes(data)
        with contextlib.suppress(RtauError):
            read_recipe(path)

    damaged()


@pytest.mark.parametrize("name", [LABELS, LANDMARKS])
def test_a_damaged_folder_of_crops_is_read_or_refused(name, tmp_path):
    (tmp_path / LABELS).write_bytes(TABLE)
    np.savez(tmp_path / LANDMARKS, xy=np.zeros((2, 68, 2), np.float32))
    assert len(read_folder(tmp_path, labels=("AU01", "AU12"))) == 2
    seed = (tmp_path / name).read_bytes()

    @fuzzed
    @given(st.one_of(words_like(seed), bytes_like(seed)) if name == LABELS else bytes_like(seed))
    def damaged(data):
        (tmp_path / name).write_bytes(data)
        with contextlib.suppress(RtauError):
            read_folder(tmp_path, labels=("AU01", "AU12"))

    damaged()


def test_a_damaged_log_of_crops_is_read_or_refused(tmp_path):
    CutLog(tmp_path / "out", CUT_64)
    path = tmp_path / "out" / FILE_NAME
    header = path.read_bytes()
    line = (json.dumps(CUT) + "\n").encode()
    path.write_bytes(header + line)
    assert CutLog(tmp_path / "out", CUT_64).done["a.png"].crop == "a.jpg"

    @fuzzed
    @given(st.one_of(bytes_like(header + line), json_like(CUT)))
    def damaged(data):
        path.write_bytes(data if isinstance(data, bytes) else header + data.encode() + b"\n")
        with contextlib.suppress(RtauError):
            CutLog(tmp_path / "out", CUT_64)

    damaged()


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    save_state(path, {"kind": "model", "weights": {"a": torch.zeros(3)}, "thresholds": (0.5,)})
    seed = path.read_bytes()
    assert load_state(path, kind="model")["thresholds"] == (0.5,)

    @fuzzed
    @given(bytes_like(seed))
    def damaged(data):
        path.write_bytes(data)
        with contextlib.suppress(RtauError):
            load_state(path, kind="model")

    damaged()
