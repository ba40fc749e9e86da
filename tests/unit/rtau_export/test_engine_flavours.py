"""What the builder asks of TensorRT 10 and 11, which need a GPU: shown on a double."""

import contextlib
import io
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from rtau.backends.engine_file import Gpu
from rtau.errors import BackendUnavailable, EngineError, UsageError
from rtau_export._engine_cache import EngineCache
from rtau_export._engine_profiles import BatchProfile
from rtau_export.engine import build_engines
from rtau_export.engine_progress import BuildPhases
from rtau_export.engine_target import EngineRequest, choose_library
from tests.support.builder_double import fake_builder

pytest.importorskip("onnx", reason="builds its models with the onnx package")
from tests.support.onnx_models import small_model

ORIN = Gpu("Orin", "8.7")


def have_gpu(monkeypatch, find_gpu):
    driver = SimpleNamespace(find_gpu=find_gpu)
    monkeypatch.setitem(sys.modules, "rtau.backends._cuda_driver", driver)


@pytest.fixture
def orin(monkeypatch):
    have_gpu(monkeypatch, lambda: ORIN)


def build(tmp_path, tensorrt, *, model="fp32", cache=None, **request):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model(model))
    return build_engines(
        path,
        EngineRequest(cam_less=False, batch=BatchProfile(1, 8, 32), **request),
        cache=cache,
        tensorrt=tensorrt,
        shown=lambda title: contextlib.nullcontext(BuildPhases(Progress(disable=True))),
    )[0]


@pytest.mark.parametrize(
    ("version", "model", "asked", "flags", "strong"),
    [
        ("10.3.0", "fp32", None, [], True),
        ("10.3.0", "fp32", "fp16", ["FP16"], False),
        ("10.3.0", "fp16", None, [], True),
        ("10.3.0", "int8", "int8", ["INT8"], False),
        ("11.4.0", "fp32", None, [], True),
        ("11.4.0", "fp16", "fp16", [], True),
        ("11.4.0", "int8", None, [], True),
    ],
)
def test_flags_where_there_are_flags_and_strong_types_elsewhere(
    tmp_path, orin, version, model, asked, flags, strong
):
    tensorrt = fake_builder(version)
    built = build(tmp_path, tensorrt, model=model, precision=asked)
    ((config, creation),) = tensorrt.module.built
    assert config.flags == flags
    assert config.cleared == ["TF32"]
    assert creation == (2 if strong else 0)
    assert built.build.typing == ("strong" if strong else "weak")
    assert (built.build.gpu, built.build.compute_capabilities) == ("Orin", ("8.7",))
    shape = (32, 32, 3)
    assert config.profiles[0].shapes == {"crops": ((1, *shape), (8, *shape), (32, *shape))}


def test_timings_are_used_again_and_refused_ones_start_anew(tmp_path, orin):
    cache = EngineCache(tmp_path / "cache")
    build(tmp_path, fake_builder(), cache=cache)
    second = fake_builder()
    build(tmp_path, second, cache=cache, precision="fp16")
    assert second.module.built[0][0].offered == [b"+"]
    third = fake_builder(refuses_timings=True)
    build(tmp_path, third, cache=cache, model="int8")
    assert third.module.built[0][0].offered == [b"++", b""]


def test_another_version_or_gpu_is_another_entry(tmp_path, orin, monkeypatch):
    cache = EngineCache(tmp_path / "cache")
    assert not build(tmp_path, fake_builder("10.3.0"), cache=cache).from_cache
    assert build(tmp_path, fake_builder("10.3.0"), cache=cache).from_cache
    assert not build(tmp_path, fake_builder("10.8.0"), cache=cache).from_cache
    have_gpu(monkeypatch, lambda: Gpu("Orin Nano", "8.7"))
    assert not build(tmp_path, fake_builder("10.3.0"), cache=cache).from_cache


def test_tensorrt_builds_for_the_gpu_it_runs_on_only(tmp_path, orin):
    with pytest.raises(UsageError, match=r"this one is Orin \(sm_87\), got --for 8\.6"):
        build(tmp_path, fake_builder(), generations=("8.6",))
    assert build(tmp_path, fake_builder(), generations=("8.7",)).build.gpu == "Orin"


def test_without_a_gpu_tensorrt_names_the_way_to_build_without_one(tmp_path, monkeypatch):
    def none_there():
        raise BackendUnavailable("no NVIDIA GPU can be used on this machine: no driver")

    have_gpu(monkeypatch, none_there)
    with pytest.raises(BackendUnavailable, match=r"no driver; .*--library tensorrt-rtx$"):
        build(tmp_path, fake_builder())


def test_a_build_that_fails_gives_tensorrts_reason_and_writes_nothing(tmp_path, orin):
    with pytest.raises(EngineError, match="any implementation for node conv") as error:
        build(tmp_path, fake_builder(fails=True), cache=EngineCache(tmp_path / "cache"))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.engine"))


@pytest.mark.parametrize(
    ("request_", "installed", "chosen"),
    [
        (EngineRequest(), ("tensorrt", "tensorrt_rtx"), "tensorrt"),
        (EngineRequest(), ("tensorrt_rtx",), "tensorrt_rtx"),
        (EngineRequest(generations=("8.6",)), ("tensorrt", "tensorrt_rtx"), "tensorrt_rtx"),
        (EngineRequest(generations=("8.7",)), ("tensorrt",), "tensorrt"),
        (EngineRequest(library="tensorrt_rtx"), ("tensorrt",), "tensorrt_rtx"),
    ],
)
def test_the_flavour_that_builds(request_, installed, chosen):
    assert choose_library(request_, installed) == chosen


def test_no_flavour_names_both_ways():
    with pytest.raises(BackendUnavailable, match=r"nvidia-jetpack.*rtau\[tensorrt-rtx\]"):
        choose_library(EngineRequest(), ())


def test_phases_are_shown_two_deep_and_leave_when_done():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    progress = Progress(console=console, auto_refresh=False)
    phases = BuildPhases(progress)
    phases.phase_start("Building engine", None, 6)
    phases.phase_start("Timing tactics", "Building engine", 3)
    phases.phase_start("Timing reformats", "Timing tactics", 3)
    assert [task.description for task in progress.tasks] == ["Building engine", "  Timing tactics"]
    assert phases.step_complete("Timing tactics", 1)
    assert phases.step_complete("Timing reformats", 0)
    assert progress.tasks[1].completed == 2
    for name in ("Timing reformats", "Timing tactics", "Building engine"):
        phases.phase_finish(name)
    assert progress.tasks == []


def test_ctrl_c_ends_the_build_at_its_next_step(monkeypatch):
    progress = Progress(disable=True)
    phases = BuildPhases(progress)
    phases.phase_start("Building engine", None, 6)

    def pressed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress, "update", pressed)
    assert not phases.step_complete("Building engine", 0)
    assert phases.interrupted
