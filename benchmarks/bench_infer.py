"""Times one model by batch, in every precision and with every library that is installed.

Only ratios within one run mean anything. `RTAU_BENCH_MODELS=shufflenetv2-au14,vgg19` chooses the
models. Slow is no failure; `python benchmarks/precision_speed.py MODEL...` prints paired medians.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest

pytest.importorskip("onnx", reason="makes INT8 files with the onnx package")

from benchmarks.precision_speed import THREADS, files_of, ways_here
from rtau.backends import open_engine
from rtau.backends.parity import as_crops, probe_crops
from rtau.errors import BackendUnavailable
from rtau.runs.bench.metrics import Step
from rtau.runs.bench.stages import BATCHES, infer_name

MODELS = os.environ.get("RTAU_BENCH_MODELS", "shufflenetv2-au14").split(",")
# Libraries that need a GPU; the file stays the float32 one.
ON_GPU = (("cuda", "fp32"), ("tensorrt", "fp32"), ("tensorrt-rtx", "fp32"))


@pytest.fixture(scope="module", params=MODELS)
def files(request, tmp_path_factory):
    """The files of one model by precision."""
    return files_of(request.param, tmp_path_factory.mktemp("precision"))


@pytest.mark.parametrize("count", BATCHES)
@pytest.mark.parametrize("way", [*ways_here(), *ON_GPU], ids="-".join)
def test_a_batch_of_faces(time_step, request, files, way, count):
    if request.config.getoption("--smoke") and count > 1:
        pytest.skip("one batch shows that the code runs")
    provider, kind = way
    try:
        opened = open_engine(str(files[kind]), provider=provider, threads=THREADS)
    except BackendUnavailable as error:
        pytest.skip(str(error))
    with closing(opened) as engine:
        faces = as_crops(probe_crops(count, size=engine.contract.input_size))
        step = Step(infer_name(count), lambda: engine.infer(faces), batch=count)
        time_step(step, precision=kind, device=engine.device, network=engine.contract.name)
