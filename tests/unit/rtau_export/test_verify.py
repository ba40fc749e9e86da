import json
import subprocess
import sys

import numpy as np
import pytest

from rtau.contract import METADATA_KEY
from rtau_export import verify
from rtau_export.cli import main
from tests.support.doubles import make_contract
from tests.support.training import ROOT

onnx = pytest.importorskip("onnx", reason="builds its models with the onnx package")
pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_torch]

# `verify` runs on devices without torch: importing either of these there is a failure.
WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "onnx", "rtau_train"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from rtau_export.cli import main
sys.exit(main(sys.argv[1:]))
"""


def write_model(path, *, shift=0.0, turn=1.0, **contract):
    """A linear model of three AUs; `shift` moves its logits, `turn` = -1 turns its CAMs around."""
    helper = onnx.helper
    said = make_contract(input_size=32, **contract)
    ramp = np.linspace(0, 1, 49, dtype=np.float32).reshape(1, 1, 7, 7)
    consts = {
        "axes": np.array([1, 2], np.int64),
        "w": np.array([[0.02, -0.01, 0.01]] * 3, np.float32),
        "shift": np.array([shift], np.float32),
        "grid_axes": np.array([2, 3], np.int64),
        "ramp": ramp if turn > 0 else ramp[..., ::-1, ::-1].copy(),
    }
    nodes = [
        helper.make_node("Cast", ["crops"], ["f"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f", "axes"], ["m"], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["bare"]),
        helper.make_node("Add", ["bare", "shift"], ["logits"]),
        helper.make_node("Abs", ["bare"], ["heat"]),
        helper.make_node("Unsqueeze", ["heat", "grid_axes"], ["g"]),
        helper.make_node("Mul", ["g", "ramp"], ["cams"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "test",
        [value("crops", onnx.TensorProto.UINT8, ["N", 32, 32, 3])],
        [
            value("logits", onnx.TensorProto.FLOAT, ["N", 3]),
            value("cams", onnx.TensorProto.FLOAT, ["N", 3, 7, 7]),
        ],
        [onnx.numpy_helper.from_array(array, name) for name, array in consts.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: said.to_json()})
    path.write_bytes(model.SerializeToString())
    return str(path)


def test_equal_models_are_equal(tmp_path, capsys):
    first, same = write_model(tmp_path / "a.onnx"), write_model(tmp_path / "b.onnx")

    assert main(["verify", first, same]) == 0
    assert "yes" in capsys.readouterr().out


@pytest.mark.parametrize("change", [{"shift": 0.01}, {"turn": -1}])
def test_a_model_beyond_tolerance_fails(tmp_path, capsys, change):
    first, other = write_model(tmp_path / "a.onnx"), write_model(tmp_path / "b.onnx", **change)

    assert main(["verify", first, first, other]) == 1
    shown = capsys.readouterr().out
    assert "yes" in shown
    assert "NO" in shown


def test_json_carries_the_metrics_text(tmp_path, capsys):
    first = write_model(tmp_path / "a.onnx")
    other = write_model(tmp_path / "b.onnx", shift=-5.0)

    assert main(["verify", first, other, "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["max_dlogit"] == pytest.approx(5, abs=1e-5)
    assert found["cam_correlation"] == pytest.approx(1)
    assert found["decisions"] == verify.PROBES * 3
    assert found["changed_decisions"] > 0
    assert found["equal"] is False


@pytest.mark.parametrize(
    ("build", "code", "said"),
    [
        (lambda folder: folder / "none.onnx", 2, "no such model file"),
        (lambda folder: folder / "text.onnx", 1, "text.onnx"),
        (
            lambda folder: write_model(folder / "b.onnx", labels=("AU01", "AU02", "AU12")),
            1,
            "only models of one task can be compared",
        ),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path, capsys, build, code, said):
    (tmp_path / "text.onnx").write_text("this is no model")
    first = write_model(tmp_path / "a.onnx")

    assert main(["verify", first, str(build(tmp_path))]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_verify_runs_where_there_is_no_torch(tmp_path):
    first = write_model(tmp_path / "a.onnx")

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "verify", first, first],
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'export'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr


def test_exporting_without_torch_names_the_extra(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "onnx", "run", "--out", str(tmp_path / "a.onnx")],
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'export'}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert 'pip install "rtau[export]"' in done.stderr
    assert done.stderr.count("\n") == 1
