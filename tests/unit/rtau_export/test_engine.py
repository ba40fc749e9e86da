"""The builder on a real parser and builder (TensorRT for RTX, which needs no GPU to build)."""

import contextlib
import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rtau.backends import bundled_models
from rtau.backends.engine_file import check_file, read_sidecar, sidecar_path
from rtau.backends.parity import probe_crops
from rtau.contract import METADATA_KEY, CropRule, ModelContract
from rtau.contract import read_sidecar as model_sidecar
from rtau.errors import BackendUnavailable, ContractError, UsageError
from rtau_export import engine as engine_module
from rtau_export import int8
from rtau_export._engine_cache import EngineCache
from rtau_export._engine_profiles import BatchProfile
from rtau_export._fp16 import halve
from rtau_export.cli import main
from rtau_export.engine import build_engines
from rtau_export.engine_progress import BuildPhases
from rtau_export.engine_target import EngineRequest
from rtau_export.graph import FaceGraph
from rtau_export.onnx import contract_of, model_bytes

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx

from tests.parity.networks import random_model
from tests.support.doubles import LANDMARK_RULE
from tests.support.onnx_models import small_model

ROOT = Path(__file__).parents[3]
# TensorRT's parser refuses the int8 that ONNX Runtime likes on CPUs: those files are not for it.
BUNDLED = {
    name: path
    for name, path in bundled_models().items()
    if (contract := model_sidecar(path)).int8_profile != "cpu"
    and (contract.precision != "int8" or contract.int8_profile == "trt")
}
WRITTEN = ("fp32", "fp16", "int8")
QUICK = EngineRequest(batch=BatchProfile(1, 2, 4), generations=("8.6",), library="tensorrt_rtx")


class Phases(BuildPhases):
    """Counts the phases TensorRT reports."""

    def __init__(self):
        self.started, self.steps, self.interrupted = [], 0, False

    def phase_start(self, phase_name, parent_phase, num_steps):
        self.started.append((phase_name, parent_phase, num_steps))

    def step_complete(self, phase_name, step):
        self.steps += 1
        return not self.interrupted

    def phase_finish(self, phase_name):
        pass


def build(onnx, request=QUICK, *, phases=None, **options):
    phases = phases or Phases()
    return build_engines(
        onnx, request, shown=lambda title: contextlib.nullcontext(phases), **options
    )


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model())
    return path


@pytest.mark.needs_tensorrt_rtx
@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_model_parses_and_builds(name, tmp_path):
    engine, *variants = build(BUNDLED[name], out=tmp_path / f"{name}.engine")
    contract, facts = read_sidecar(engine.path)
    assert contract.labels == model_sidecar(BUNDLED[name]).labels
    assert facts.library == "tensorrt_rtx"
    assert facts.onnx_sha256 == hashlib.sha256(BUNDLED[name].read_bytes()).hexdigest()
    assert len(variants) == model_sidecar(BUNDLED[name]).has_cams
    assert all(variant.size_bytes < engine.size_bytes for variant in variants)


@pytest.mark.needs_tensorrt_rtx
@pytest.mark.parametrize("precision", WRITTEN)
def test_every_precision_parses_and_builds_with_cams(precision, tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model(precision))
    engine, variant = build(path)
    assert engine.path == tmp_path / f"small-{precision}.engine"
    assert engine.build.precision == precision
    assert engine.build.typing == "strong"
    assert engine.build.without_cams == variant.path.name
    assert read_sidecar(engine.path)[0].max_batch == 4
    assert not read_sidecar(variant.path)[0].has_cams


@pytest.mark.needs_tensorrt_rtx
@pytest.mark.parametrize("precision", WRITTEN)
def test_landmarks_are_built_into_the_engine_and_its_cam_less_variant(precision, tmp_path):
    path = tmp_path / "points.onnx"
    path.write_bytes(small_model(precision, landmarks=LANDMARK_RULE))

    engine, variant = build(path)

    assert read_sidecar(engine.path)[0].landmarks == LANDMARK_RULE
    assert read_sidecar(variant.path)[0].landmarks == LANDMARK_RULE
    bare = tmp_path / "bare.onnx"
    bare.write_bytes(small_model(precision))
    assert variant.size_bytes > build(bare)[1].size_bytes


@pytest.mark.needs_tensorrt_rtx
def test_an_engine_that_fails_leaves_no_cam_less_variant(small, tmp_path, monkeypatch):
    write = engine_module._Job.write

    def refuse_cams(job, source, content, **options):
        if options["cam_less"] is not None:
            raise ContractError("the parser refuses a node of the CAM branch")
        return write(job, source, content, **options)

    monkeypatch.setattr(engine_module._Job, "write", refuse_cams)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ContractError, match="refuses"):
        build(small)
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture(scope="module")
def flagships():
    """Exported networks with their CAMs: the shipped file, and VGG19 with random weights."""
    model = random_model("vgg19")
    rule = CropRule(detector="haar", expand=1.0, offset_x=0.0, offset_y=0.0)
    contract = contract_of(model, name="vgg19", cam_method="gradcam", crop=rule)
    graph = FaceGraph(model.network(), cam_method="gradcam")
    shipped = {name: path.read_bytes() for name, path in BUNDLED.items()}
    return {"vgg19": model_bytes(graph, contract), **shipped}


def reduced(content, precision, monkeypatch):
    """Returns the model in another precision; its scales are from two drawings: enough to build."""
    proto = onnx.load_from_string(content)
    if precision == "fp16":
        proto = halve(proto)
        changes = {"precision": "fp16"}
    else:
        monkeypatch.setattr(int8, "ROWS", 1)
        side = proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value
        pictures = probe_crops(2, size=side)
        proto = int8.quantise(proto, pictures, profile="trt", ranges="minmax")
        changes = {"precision": "int8", "int8_profile": "trt"}
    (text,) = (entry.value for entry in proto.metadata_props if entry.key == METADATA_KEY)
    contract = dataclasses.replace(ModelContract.from_json(text, origin="test"), **changes)
    onnx.helper.set_model_props(proto, {METADATA_KEY: contract.to_json()})
    return proto.SerializeToString()


@pytest.mark.needs_tensorrt_rtx
@pytest.mark.parametrize("precision", WRITTEN)
@pytest.mark.parametrize("name", ["shufflenetv2-au14", "vgg19"])
def test_both_flagships_parse_and_build_with_their_cams(
    name, precision, flagships, tmp_path, monkeypatch
):
    content = flagships[name]
    if precision != "fp32":
        content = reduced(content, precision, monkeypatch)
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(content)
    (engine,) = build(path, dataclasses.replace(QUICK, cam_less=False))
    assert engine.build.precision == precision
    assert engine.build.typing == "strong"
    assert read_sidecar(engine.path)[0].has_cams


@pytest.mark.needs_tensorrt_rtx
def test_the_file_is_the_plan_alone_and_the_json_vouches_for_it(small):
    phases = Phases()
    (engine,) = build(small, EngineRequest(cam_less=False, library="tensorrt_rtx"), phases=phases)
    content = engine.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == engine.build.engine_sha256
    assert b"rtau" not in content[:256]
    check_file(engine.path, engine.build)
    assert engine.build.compute_capabilities == ()
    assert engine.build.batch == (1, 8, 32)
    assert phases.started[0][:2] == ("Building engine", None)
    assert phases.steps > 5
    engine.path.write_bytes(content[:-1])
    with pytest.raises(ContractError, match="is damaged"):
        check_file(engine.path, engine.build)


@pytest.mark.needs_tensorrt_rtx
def test_an_engine_built_before_comes_from_the_cache(small, tmp_path):
    cache = EngineCache(tmp_path / "cache")
    first = build(small, cache=cache)
    again = build(small, cache=cache)
    other = build(small, EngineRequest(library="tensorrt_rtx"), cache=cache)
    assert [one.from_cache for one in first + again + other] == [False] * 2 + [True] * 2 + [
        False
    ] * 2
    assert first[0].build == again[0].build
    assert not list((tmp_path / "cache").glob(".*"))


@pytest.mark.needs_tensorrt_rtx
def test_what_the_parser_refuses_names_the_node_and_writes_nothing(tmp_path):
    path = tmp_path / "odd.onnx"
    path.write_bytes(small_model(bad_node="NoSuchOperator"))
    with pytest.raises(ContractError, match=r"refuses node '/normal' \(NoSuchOperator\)") as error:
        build(path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_int8_for_cpus_is_refused_before_tensorrt_sees_it(tmp_path):
    path = tmp_path / "small.onnx"
    path.write_bytes(small_model("int8", int8_profile="cpu"))
    with pytest.raises(UsageError, match="int8 is made for CPUs"):
        build(path)


@pytest.mark.needs_tensorrt_rtx
def test_a_generation_the_library_does_not_know_is_a_usage_error(small):
    with pytest.raises(UsageError, match=r"builds for .*8\.6.*got --for 9\.9"):
        build(small, EngineRequest(generations=("9.9",), library="tensorrt_rtx"))


@pytest.mark.needs_tensorrt_rtx
def test_an_interrupted_build_ends_and_writes_nothing(small, tmp_path):
    phases = Phases()
    phases.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        build(small, phases=phases)
    assert list(tmp_path.iterdir()) == [small]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no rtau contract"),
        (b"PK\x03\x04 not a model", "not an ONNX file"),
        (small_model()[:-40], "not an ONNX file|no rtau contract|is not JSON"),
        (small_model(with_contract=False), "no rtau contract in the file's metadata"),
    ],
    ids=["empty", "zip", "truncated", "without contract"],
)
def test_a_file_that_is_no_model_is_refused_before_tensorrt_sees_it(tmp_path, content, message):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=message) as error:
        build(path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_without_tensorrt_the_error_says_how_to_get_it(small, monkeypatch):
    for name in ("tensorrt", "tensorrt_rtx"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendUnavailable, match=r"'tensorrt' is not installed; .*nvidia-jetpack"):
        build(small, EngineRequest(library="tensorrt"))
    with pytest.raises(BackendUnavailable, match=r'pip install "rtau\[tensorrt-rtx\]"'):
        build(small, EngineRequest(library="tensorrt_rtx"))


@pytest.mark.needs_tensorrt_rtx
def test_the_command_builds_and_names_its_files(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "mine.engine"
    flags = ["--library", "tensorrt-rtx", "--batch", "1,4", "--out", str(out), "--for", "sm_86"]
    assert main(["engine", str(small), *flags]) == 0
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()] == [
        str(out),
        str(tmp_path / "mine-nocam.engine"),
    ]
    assert "building small.onnx for sm_86, fp32, up to 4 rows, with tensorrt_rtx" in shown.err
    assert sidecar_path(out).is_file()


@pytest.mark.needs_tensorrt_rtx
def test_verify_takes_engines_and_says_in_one_line_that_there_is_no_gpu(small, capsys, monkeypatch):
    def no_gpu():
        raise BackendUnavailable("no NVIDIA GPU can be used on this machine")

    driver = SimpleNamespace(CudaDriver=no_gpu)
    monkeypatch.setitem(sys.modules, "rtau.backends._cuda_driver", driver)
    engine, _ = build(small)
    assert main(["verify", str(small), str(engine.path)]) == 1
    assert capsys.readouterr().err == "rtau-export: no NVIDIA GPU can be used on this machine\n"


NEITHER_TORCH_NOR_TRAINING = """
import sys
for name in ("torch", "torchvision", "onnx", "onnxscript", "onnxruntime", "rtau_train"):
    sys.modules[name] = None
from rtau_export.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.needs_tensorrt_rtx
def test_it_builds_where_torch_onnx_and_the_training_module_are_not(small, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", NEITHER_TORCH_NOR_TRAINING, "engine", str(small), "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": ".:train:export", "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small-fp32.engine").is_file()


def test_verify_needs_neither_torch_nor_the_training_module():
    code = NEITHER_TORCH_NOR_TRAINING.replace('"onnxruntime", ', "")
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", "nonesuch", "other"],
        cwd=ROOT,
        env={"PYTHONPATH": ".:train:export", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "nonesuch: no such model file" in done.stderr


@pytest.mark.needs_tensorrt_rtx
def test_a_bundled_model_is_built_by_name_into_this_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    flags = ["--library", "tensorrt-rtx", "--for", "sm_86", "--no-twin", "--no-cache"]

    assert main(["engine", "shufflenetv2-au14", *flags]) == 0

    assert capsys.readouterr().out.startswith("shufflenetv2-au14-fp32.engine  ")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "shufflenetv2-au14-fp32.engine",
        "shufflenetv2-au14-fp32.engine.json",
    ]
