"""Times one model in fp32 and INT8, with ONNX Runtime and, where it is installed, OpenVINO.

Only ratios within one run mean anything. `RTAU_BENCH_MODELS=shufflenetv2-au12,vgg19` chooses the
models. They are no tests and fail nothing; `python benchmarks/precision_speed.py` prints paired
medians.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest

pytest.importorskip("onnx", reason="makes INT8 files with the onnx package")

from benchmarks.precision_speed import THREADS, files_of, float32_file, ways_here
from rtau.backends import open_engine
from rtau.parity import as_crops, probe_crops

MODELS = os.environ.get("RTAU_BENCH_MODELS", "shufflenetv2-au12").split(",")


@pytest.fixture(scope="module", params=MODELS)
def files(request, tmp_path_factory):
    """The files of one model by precision."""
    folder = tmp_path_factory.mktemp("precision")
    return files_of(float32_file(request.param, folder), folder)


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("way", ways_here(), ids="-".join)
def test_a_batch_of_faces(benchmark, files, way, count):
    provider, kind = way
    with closing(open_engine(str(files[kind]), provider=provider, threads=THREADS)) as engine:
        faces = probe_crops(count, size=engine.contract.input_size)
        benchmark(engine.infer, as_crops(faces))
