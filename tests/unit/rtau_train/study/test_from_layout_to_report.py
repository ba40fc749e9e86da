"""The whole command line on stand-ins of the data sets as they are distributed."""

import pytest

from rtau.contract import read_sidecar
from rtau_train.commands.main import main
from rtau_train.report.results import read_results
from rtau_train.study import plan
from tests.support.artefacts import naming
from tests.support.prepared import renders
from tests.support.standins import make
from tests.support.training import ROOT

pytestmark = pytest.mark.slow

REDUCED = """
heading = "Rendered faces"
data = "Stand-ins made of renders."
overrides = [
    "network.weights=none", "network.unfreeze=all", "network.input_size=64", "fit.epochs=1",
    "fit.batch=8", "split.validation=0.2",
]
[datasets]
dem = ["oversample.copies=1"]
"""


@pytest.fixture
def one_network_each(monkeypatch):
    name = "shufflenetv2_x1_0"
    monkeypatch.setattr(plan, "PAPER1_NETWORKS", {name: plan.PAPER1_NETWORKS[name]})
    monkeypatch.setattr(plan, "PAPER2_NETWORKS", ("resnet18",))


def prepared(layout, verb, base):
    """Returns the folder of crops of a stand-in in the layout a data set is distributed in."""
    make(layout, renders(), base / "source" / layout, count=60, seed=1)
    source, out = base / "source" / layout, base / layout
    if layout == "fer2013":
        source = source / "fer2013.csv"
    assert main(["prepare", verb, str(source), str(out), "--jobs", "1"]) == 0
    return out


def study(name, folders, base):
    (base / "reduced.toml").write_text(REDUCED)
    data = [part for key, path in folders.items() for part in ("--data", f"{key}={path}")]
    out = base / "report"
    reduce = ["--reduce", str(base / "reduced.toml")]
    assert main(["study", name, *data, "--out", str(out), *reduce]) == 0
    return read_results(out), out


def test_the_first_study_from_both_layouts_to_its_report(one_network_each, tmp_path, capsys):
    folders = {
        "disfa+": prepared("disfa+", "disfa+", tmp_path),
        "dem": prepared("dem", "dem", tmp_path),
    }

    results, out = study("paper1", folders, tmp_path)

    assert {run.experiment.dataset for run in results.runs} == {"disfa+", "dem"}
    assert all(run.metrics is not None and run.metrics.test.rows > 0 for run in results.runs)
    run = out / "runs" / "shufflenetv2-disfa-image"
    evaluate = ["evaluate", str(run), "--data", str(folders["disfa+"])]
    assert main(evaluate) == 0
    crop = next(path for path in sorted((folders["disfa+"] / "crops").rglob("*.*")))
    explain = ["explain", str(run), str(crop), "--crop", "whole", "--aus", "4,25"]
    assert main([*explain, "--out", str(tmp_path / "panels")]) == 0
    assert list((tmp_path / "panels").glob("*.png"))
    assert "AU12" in capsys.readouterr().out
    for made in ("disfa+", "dem", "report", "panels"):
        assert not naming(tmp_path, tmp_path / made)


def test_the_second_study_from_fer2013_to_its_report(one_network_each, tmp_path):
    folders = {"fer2013": prepared("fer2013", "fer2013", tmp_path)}

    results, out = study("paper2", folders, tmp_path)

    (run,) = results.runs
    assert run.metrics.classes is not None
    assert len(run.metrics.classes.matrix) == 7
    assert "FER2013" in (out / "report.md").read_text(encoding="utf-8")
    assert not naming(tmp_path, tmp_path / "fer2013")
    assert not naming(tmp_path, out)


@pytest.mark.needs_onnx
def test_a_run_is_exported_with_its_own_record(tmp_path):
    from rtau_export.cli import main as export  # noqa: PLC0415 - needs onnx

    folder = prepared("fer2013", "fer2013", tmp_path)
    changes = ("network.name=shufflenetv2_x1_0", "network.input_size=32", "network.weights=none")
    changes += ("fit.epochs=1", "fit.frozen_epochs=0", "fit.batch=8")
    given = [part for change in changes for part in ("--set", change)]
    recipe, run = str(ROOT / "train/recipes/resnet18-emotions.toml"), tmp_path / "run"
    assert main(["fit", recipe, "--data", str(folder), *given, "--out", str(run)]) == 0
    out = tmp_path / "out" / "emotions.onnx"
    out.parent.mkdir()

    assert export(["onnx", str(run), "--out", str(out), "--cam", "none"]) == 0

    contract = read_sidecar(out)
    assert contract.recipe == "train/recipes/resnet18-emotions.toml"
    assert contract.recipe_changes == changes
    assert contract.training_data.endswith(" pictures of fer2013; random first weights")
    assert not naming(tmp_path, run)
    assert not naming(tmp_path, out.parent)
