"""Every example runs as a stranger would run it, the notebook cell by cell."""

import ast
import itertools
import json
import os
import runpy
import sys

import pytest

import rtau
from tests.architecture.tree import ROOT

EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

pytestmark = pytest.mark.needs_onnxruntime


def run(name, *words, monkeypatch):
    monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_each_example_has_its_test():
    tested = {
        "image.py",
        "video_to_dataframe.py",
        "camera_callback.py",
        "own_sink.py",
        "train_on_own_data.py",
    }
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_images_are_marked_and_described(tmp_path, monkeypatch, capsys):
    run("image.py", tmp_path, monkeypatch=monkeypatch)
    portraits = {path.name for path in (EXAMPLES / "portraits").glob("*.jpg")}
    assert {path.name for path in tmp_path.iterdir()} == portraits
    assert capsys.readouterr().out.count("AU12") == len(portraits), "all of them smile"


def test_a_video_becomes_a_data_frame(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas", reason="pandas is not installed (pip install 'rtau[table]')")
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    out = tmp_path / "clip.parquet"
    run("video_to_dataframe.py", EXAMPLES / "one_face.mp4", out, monkeypatch=monkeypatch)
    assert len(capsys.readouterr().out.splitlines()) == 14
    assert "AU12_p" in pyarrow.read_table(out).column_names


def test_a_camera_calls_back_when_a_smile_begins_and_ends(monkeypatch, capsys):
    """The source is a file, which a camera may be replaced with."""
    run("camera_callback.py", EXAMPLES / "one_face.mp4", monkeypatch=monkeypatch)
    told = [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()]
    assert any("stops smiling" in line for line in told)
    begun = ["stops" not in line for line in told]
    assert all(now != then for now, then in itertools.pairwise(begun)), "it begins, ends, begins"


def test_an_own_sink_keeps_the_peaks(tmp_path, monkeypatch):
    out = tmp_path / "peaks.json"
    run("own_sink.py", EXAMPLES / "one_face.mp4", out, monkeypatch=monkeypatch)
    peaks = json.loads(out.read_text(encoding="utf-8"))
    assert peaks["1"]["AU12"] > 0.9


@pytest.mark.slow
@pytest.mark.needs_torch
@pytest.mark.needs_onnx
def test_a_network_is_trained_exported_and_used(tmp_path, monkeypatch, capsys):
    folders = (ROOT, ROOT / "train", ROOT / "export")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    run("train_on_own_data.py", tmp_path, monkeypatch=monkeypatch)
    scores = ast.literal_eval(capsys.readouterr().out.splitlines()[-1])
    assert (next(iter(scores)), len(scores)) == ("AU01", 12)


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS] == ["rtau_tour.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_valid_and_holds_no_output(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert cell["cell_type"] in {"code", "markdown"}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_from_the_first_cell_to_the_last(path, monkeypatch):
    pytest.importorskip("pandas", reason="pandas is not installed (pip install 'rtau[table]')")
    pyplot = drawing(monkeypatch)
    monkeypatch.chdir(EXAMPLES)
    names = {}
    try:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                exec(compile(source, f"{path.name}: {cell['id']}", "exec"), names)
        assert pyplot.get_fignums()
    finally:
        pyplot.close("all")
        close_detectors(names)


def drawing(monkeypatch):
    """Returns matplotlib's pyplot, which draws on no screen."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    return pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")


def close_detectors(names):
    for value in names.values():
        if isinstance(value, rtau.Detector):
            value.close()
