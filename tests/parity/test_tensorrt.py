"""On a GPU: engines built here answer as ONNX Runtime on the CPU does, at every batch size."""

import contextlib

import numpy as np
import pytest

from rtau.backends import bundled_models, open_engine
from rtau.backends.parity import as_crops, difference, probe_crops
from rtau.backends.tensorrt_library import installed_libraries, load_tensorrt
from rtau_export._engine_profiles import BatchProfile
from rtau_export.engine import build_engines
from rtau_export.engine_target import EngineRequest

pytestmark = [pytest.mark.needs_gpu, pytest.mark.needs_onnxruntime]

# Precision -> (largest change of a probability, lowest correlation of a label's CAMs).
TOLERANCES = {"fp32": (1e-3, 0.9999), "fp16": (2e-2, 0.99)}
MODEL = "shufflenetv2-au14"


def precisions_of(library):
    return ("fp32", "fp16") if load_tensorrt(library).has_precision_flags else ("fp32",)


@pytest.mark.parametrize("library", installed_libraries())
def test_engines_answer_as_the_cpu_does(library, tmp_path):
    reference = open_engine(MODEL, provider="cpu")
    for precision in precisions_of(library):
        request = EngineRequest(precision=precision, batch=BatchProfile(1, 4, 8), library=library)
        built = build_engines(
            bundled_models()[MODEL], request, out=tmp_path / f"{library}-{precision}.engine"
        )
        max_dp, correlation = TOLERANCES[precision]
        with contextlib.closing(open_engine(str(built[0].path))) as engine:
            for count in (1, 4, 8, 19):
                crops = as_crops(probe_crops(count, size=engine.contract.input_size))
                wanted = reference.infer(crops, cams=True)
                for _ in range(3):  # plainly, captured, replayed
                    apart = difference(wanted, engine.infer(crops, cams=True), engine.contract)
                    assert apart.max_dp <= max_dp
                    assert apart.cam_correlation >= correlation
                bare = engine.infer(crops).logits
                np.testing.assert_allclose(bare, wanted.logits, atol=0.1)
    reference.close()
