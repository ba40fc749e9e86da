import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from rtau.backends import open_engine
from rtau.contract import read_sidecar
from rtau_export import verify
from rtau_export.cli import main

pytest.importorskip("onnx", reason="builds its models with the onnx package")
import onnx

from rtau_export import int8, precision
from rtau_export.calibration import read_calibration
from tests.support.reduced import residual_model
from tests.support.training import FACES, ROOT

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

# A device that quantises has neither: importing one of these there is a failure.
WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "onnxscript"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from rtau_export.cli import main
sys.exit(main(sys.argv[1:]))
"""
WITHOUT_ONNX = WITHOUT_TORCH.replace('"onnxscript"', '"onnx"')


@pytest.fixture
def model(tmp_path):
    """A float32 file whose three labels are columns of the labelled faces."""
    folder = tmp_path / "engines"
    folder.mkdir()
    path = folder / "small.onnx"
    path.write_bytes(residual_model(thresholds=(0.45, 0.5, 0.55)))
    return path


def run(*arguments):
    return main(["onnx", *(str(argument) for argument in arguments)])


def alone(model):
    """True when nothing but the model lies in its folder: no draft, no half-written file."""
    return [path.name for path in model.parent.iterdir()] == [model.name]


@pytest.mark.parametrize(
    ("flags", "kind", "profile"),
    [
        (["--precision", "fp16"], "fp16", None),
        (["--precision", "int8", "--calibrate", FACES, "--ranges", "minmax"], "int8", "cpu"),
        (["--precision", "int8", "--calibrate", FACES, "--profile", "trt"], "int8", "trt"),
    ],
    ids=["fp16", "cpu", "trt"],
)
def test_the_file_says_what_it_is_and_what_changed(model, capsys, flags, kind, profile):
    out = model.with_name("reduced.onnx")

    assert run(model, "--out", out, "--labelled", FACES, *flags) == 0
    assert capsys.readouterr().out == f"{out}\n"
    with open_engine(str(out), provider="cpu") as engine:
        contract = engine.contract
    assert contract == read_sidecar(out)
    assert (contract.name, contract.precision, contract.int8_profile) == ("reduced", kind, profile)
    parity = contract.parity
    assert parity.reference_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert parity.images == 120
    assert parity.images_origin == "labelled pictures of synth-facs"
    assert 0 < parity.mean_dp < parity.max_dp
    assert parity.decisions == 360
    assert -1 <= parity.macro_f1_difference <= 1
    assert parity.cam_correlation > 0.9


def test_the_record_is_what_verify_measures(model):
    out = model.with_name("half.onnx")
    assert run(model, "--out", out, "--precision", "fp16") == 0

    (found,) = verify.compare_files(str(model), [str(out)], provider="cpu")

    parity = read_sidecar(out).parity
    assert parity.images_origin == "seeded patterns, no faces"
    assert parity.reference == f"the float32 file {model.name}"
    assert parity.max_dp == pytest.approx(found.difference.max_dp, rel=0.01)
    assert parity.max_dlogit == pytest.approx(found.difference.max_dlogit, rel=0.01)
    assert parity.cam_correlation == pytest.approx(found.difference.cam_correlation, abs=1e-6)
    assert parity.macro_f1_difference is None
    assert found.is_equal


def test_verify_shows_every_precision_in_one_table(model, capsys):
    half, eight = model.with_name("half.onnx"), model.with_name("eight.onnx")
    run(model, "--out", half, "--precision", "fp16")
    run(model, "--out", eight, "--precision", "int8", "--calibrate", FACES, "--ranges", "minmax")
    capsys.readouterr()

    assert main(["verify", str(model), str(model), str(half), str(eight), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["precision"] for row in rows] == ["fp32", "fp16", "int8"]
    assert rows[0]["max_dp"] == 0 < rows[1]["max_dp"] < rows[2]["max_dp"]


def test_pictures_that_set_a_range_do_not_judge_it(model):
    out = model.with_name("eight.onnx")

    run(model, "--out", out, "--precision", "int8", "--calibrate", FACES, "--ranges", "minmax")

    parity = read_sidecar(out).parity
    assert parity.images == 60
    assert "of 60 pictures of synth-facs" in parity.conversion
    assert "set no range" in parity.images_origin


def test_the_best_ranges_are_those_that_change_least(model, capsys):
    out = model.with_name("eight.onnx")

    run(model, "--out", out, "--precision", "int8", "--calibrate", FACES)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(int8.METHODS)
    means = [float(line.split("mean |dp| ")[1].split(",")[0]) for line in lines]
    assert read_sidecar(out).parity.mean_dp == pytest.approx(min(means), abs=5e-6)


def test_fp16_says_that_a_cpu_shows_no_speed(model, capsys):
    run(model, "--out", model.with_name("half.onnx"), "--precision", "fp16")

    assert "proves numbers, never speed" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["max_dp", "mean_dp", "cam_correlation"])
def test_a_change_beyond_a_limit_writes_nothing(model, capsys, monkeypatch, limit):
    tight = dataclasses.replace(verify.FP16, **{limit: 2.0 if limit == "cam_correlation" else 0})
    monkeypatch.setitem(verify.TOLERANCES, "fp16", tight)

    assert run(model, "--out", model.with_name("half.onnx"), "--precision", "fp16") == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("rtau-export: half.onnx changes too much: max |dlogit| ")
    assert "nothing was written" in last
    assert alone(model)


def test_a_macro_f1_that_falls_too_far_writes_nothing(model, capsys, monkeypatch):
    monkeypatch.setattr(precision, "MOST_F1_LOST", -2.0)
    flags = ["--precision", "fp16", "--labelled", FACES]

    assert run(model, "--out", model.with_name("half.onnx"), *flags) == 1
    assert "macro-F1 " in capsys.readouterr().err.splitlines()[-1]
    assert alone(model)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--precision", "int8"], "needs --calibrate FOLDER"),
        (["--precision", "fp16", "--calibrate", FACES], "--calibrate is for int8"),
        (["--labelled", FACES], "--labelled measures what fp16 or int8 changes"),
        ([], "ask for --precision fp16 or int8"),
        (["--precision", "fp16", "--cam", "none"], "give the checkpoint to change them"),
        (["--precision", "fp16", "--crop-expand", "1.1"], "give the checkpoint to change them"),
        (["--precision", "fp16", "--no-landmarks"], "give the checkpoint to change them"),
        (["--precision", "int8", "--calibrate", "no/such"], "must name a folder of face crops"),
        (["--precision", "int8", "--calibrate", ROOT / "docs/images"], "at least 16 face crops"),
    ],
    ids=str,
)
def test_a_request_that_contradicts_itself_is_a_usage_error(model, capsys, flags, said):
    assert run(model, "--out", model.with_name("out.onnx"), *flags) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert alone(model)


@pytest.mark.parametrize("out", ["small.onnx", "small.engine", "none/out.onnx"])
def test_a_useless_output_path_is_refused(model, capsys, out):
    before = model.read_bytes()

    assert run(model, "--out", model.parent / out, "--precision", "fp16") == 2
    assert "--out must be another NAME.onnx" in capsys.readouterr().err
    assert model.read_bytes() == before


def test_a_reduced_file_is_not_reduced_again(model, capsys):
    half = model.with_name("half.onnx")
    run(model, "--out", half, "--precision", "fp16")

    assert run(half, "--out", model.with_name("again.onnx"), "--precision", "fp16") == 2
    assert "is fp16 already; give the fp32 file" in capsys.readouterr().err


def external(content):
    proto = onnx.load_from_string(content)
    weight = proto.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return proto.SerializeToString()


def private(content):
    proto = onnx.load_from_string(content)
    node = next(node for node in proto.graph.node if node.op_type == "Conv")
    node.op_type, node.domain = "Exec", "com.acme"
    return proto.SerializeToString()


def unsorted(content):
    proto = onnx.load_from_string(content)
    first = proto.graph.node.pop(0)
    proto.graph.node.append(first)
    return proto.SerializeToString()


def bad_contract(content):
    return content.replace(b'"schema": 1', b'"schema": 9')


HOSTILE = {
    "empty": lambda content: b"",
    "text": lambda content: b"this is no model",
    "truncated": lambda content: content[: len(content) // 2],
    "nearly whole": lambda content: content[:-1],
    "zeros": lambda content: bytes(4096),
    "deep": lambda content: b"\x3a\x7f" * 5000,
    "external": external,
    "private": private,
    "unsorted": unsorted,
    "contract": bad_contract,
}


@pytest.mark.parametrize("damage", HOSTILE)
@pytest.mark.parametrize("verb", ["fp16", "int8", "verify", "engine"])
def test_a_hostile_file_is_one_line_and_writes_nothing(model, capfd, damage, verb):
    model.write_bytes(HOSTILE[damage](model.read_bytes()))
    out = ["--out", str(model.with_name("out.onnx"))]
    commands = {
        "fp16": ["onnx", str(model), *out, "--precision", "fp16"],
        "int8": ["onnx", str(model), *out, "--precision", "int8", "--calibrate", str(FACES)],
        "verify": ["verify", str(model), str(model)],
        "engine": ["engine", str(model), "--library", "tensorrt-rtx", "--no-cache"],
    }

    assert main(commands[verb]) == 1
    shown = capfd.readouterr()
    lines = [line for line in shown.err.splitlines() if line.startswith("rtau-export: ")]
    assert len(lines) == 1, shown.err
    assert model.name in lines[0]
    assert "Traceback" not in shown.err
    assert alone(model)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels.csv", b"\xff\xfe\x00", "labels cannot be read"),
        ("labels.csv", b"", "there are no rows"),
        ("labels.csv", b"file,x\na.jpg,0\n", "has a column for none of AU01"),
        ("labels.csv", b"file,AU01,AU04,AU12\na.jpg,0,0,much\n", "an intensity is no number"),
        ("labels.csv", b"file,AU01,AU04,AU12\nnone.jpg,0,0,1\n", "there is no such file"),
        ("labels.csv", b"file,AU01,AU04,AU12\n../labels.csv,0,0,1\n", "not an image"),
        ("crops/a.jpg", b"no picture", "not an image"),
    ],
)
def test_labels_that_cannot_be_used_are_one_line(model, tmp_path, capsys, name, content, said):
    folder = tmp_path / "labelled"
    (folder / "crops").mkdir(parents=True)
    (folder / "labels.csv").write_text("file,AU01,AU04,AU12\na.jpg,0,0,3\n")
    (folder / name).write_bytes(content)
    flags = ["--precision", "fp16", "--labelled", folder]

    assert run(model, "--out", model.with_name("out.onnx"), *flags) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert alone(model)


def test_a_photograph_is_no_crop(model, tmp_path, capsys):
    for place in range(16):
        cv2.imwrite(str(tmp_path / f"{place}.png"), np.zeros((90, 160, 3), np.uint8))
    flags = ["--precision", "int8", "--calibrate", tmp_path]

    assert run(model, "--out", model.with_name("out.onnx"), *flags) == 1
    assert "expected a square face crop" in capsys.readouterr().err
    assert alone(model)


@pytest.mark.parametrize("kind", ["fp16", "int8"])
def test_it_works_where_there_is_no_torch(model, kind):
    out = model.with_name("out.onnx")
    flags = ["--precision", kind]
    if kind == "int8":
        flags += ["--calibrate", str(FACES), "--ranges", "minmax"]

    done = python(WITHOUT_TORCH, "onnx", model, "--out", out, *flags, "--labelled", FACES)

    assert done.returncode == 0, done.stderr
    assert read_sidecar(out).parity.images == 120


def test_without_onnx_the_extra_is_named(model):
    done = python(WITHOUT_ONNX, "onnx", model, "--out", "out.onnx", "--precision", "fp16")

    assert done.returncode == 1
    assert 'pip install "rtau[cpu,precision]"' in done.stderr
    assert done.stderr.count("\n") == 1


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *(str(argument) for argument in arguments)],
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'export'}:{ROOT / 'train'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_sample_is_the_same_whatever_the_folder_is_called(tmp_path):
    shutil.copytree(FACES / "crops", tmp_path / "other")

    first = read_calibration(FACES / "crops", size=32)
    again = read_calibration(tmp_path / "other", size=32)

    np.testing.assert_array_equal(first.fitting, again.fitting)
    assert len(first.fitting) == len(first.held_out) == 60
