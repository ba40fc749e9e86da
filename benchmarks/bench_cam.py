"""Times heatmaps: the bare network, +12 Grad-CAM, +12 Grad-CAM++, and hooks + autograd in torch.

One face of 224 px, random weights, ONNX Runtime on the CPU with one thread; only ratios within one
run mean anything. `RTAU_BENCH_NETWORKS=vgg19,shufflenetv2_x1_0` chooses networks. Slow is no
failure; `python benchmarks/cam_cost.py` prints the same as one table of paired medians.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest

pytest.importorskip("torch", reason="builds the networks with torch")

from benchmarks.cam_cost import KINDS, NAMES, AutogradCams, face
from benchmarks.random_weights import untrained_network, write_float32
from rtau.backends import open_engine
from rtau_train.explaining.panels import METHOD_NAMES

CHOSEN = [
    name for name in os.environ.get("RTAU_BENCH_NETWORKS", ",".join(NAMES)).split(",") if name
]
SMALLEST = "shufflenetv2_x1_0"
ONNX_RUNTIME = "ONNX Runtime"


@pytest.fixture(scope="module", params=CHOSEN)
def name(request):
    if request.config.getoption("--smoke") and request.param != SMALLEST:
        pytest.skip("one network shows that the code runs")
    return request.param


@pytest.fixture(scope="module")
def files(name, tmp_path_factory):
    """The ONNX files of one network by kind of heatmap."""
    folder = tmp_path_factory.mktemp(name)
    model = untrained_network(name)
    return {
        kind: write_float32(model, folder / f"{name}-{kind}.onnx", cam_method=method)
        for kind, method in KINDS.items()
    }


@pytest.fixture
def named(name, benchmark):
    """Times a call under the network's name and what is asked of it."""

    def time(what: str, library: str, *call, **options):
        benchmark.group = name
        benchmark.extra_info.update(
            name=f"{name}, {what}", run_on="CPU, one thread", model="random weights", device=library
        )
        benchmark(*call, **options)

    return time


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_runtime(named, files, kind):
    what = "no heatmaps" if kind == "bare" else f"12 {METHOD_NAMES[KINDS[kind]]} maps"
    with closing(open_engine(str(files[kind]), provider="cpu", threads=1)) as engine:
        named(what, ONNX_RUNTIME, engine.infer, face(), cams=kind != "bare")


def test_heatmaps_off_in_a_file_that_has_them(named, files):
    with closing(open_engine(str(files["gradcam"]), provider="cpu", threads=1)) as engine:
        named("none wanted of 12", ONNX_RUNTIME, engine.infer, face(), cams=False)


def test_torch_hooks_and_autograd(named, name):
    named(
        "12 Grad-CAM maps by hooks and autograd", "PyTorch", AutogradCams(untrained_network(name))
    )
