"""The file of random weights is the one that would ship, but for its name and its worth."""

import numpy as np
import pytest

from rtau.backends import open_engine
from rtau.backends.parity import as_crops, probe_crops

for library in ("onnx", "torch"):
    pytest.importorskip(library, reason="writes models")

# Below, what needs onnx and torch.
from benchmarks.int8_files import write_int8  # noqa: E402
from benchmarks.random_weights import untrained_recipe, write_float32  # noqa: E402


@pytest.mark.needs_onnxruntime
@pytest.mark.slow
def test_an_untrained_recipe_becomes_an_int8_file_with_heatmaps(tmp_path):
    path = tmp_path / "shufflenetv2-au12-random-weights.onnx"
    write_float32(untrained_recipe("shufflenetv2-au12"), path, cam_method="gradcam")
    engine = open_engine(str(write_int8(path, tmp_path)), provider="cpu", threads=1)
    contract = engine.contract
    scores = engine.infer(as_crops(probe_crops(2, size=contract.input_size)), cams=True)
    engine.close()

    assert (contract.name, contract.precision) == ("shufflenetv2-au12-random-weights-int8", "int8")
    assert scores.cams is not None
    assert scores.logits.shape == (2, len(contract.labels))
    assert np.isfinite(scores.logits).all()
