import json
import shutil

import pytest

from rtau.errors import SourceOpenError
from rtau_train.report.results import read_results
from tests.support.study_results import write_paper2


@pytest.fixture
def folder(folder2, tmp_path):
    return shutil.copytree(folder2, tmp_path / "study")


def change(path, **keys):
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def test_a_run_brings_its_figures_history_panels_and_record(results1):
    run = results1.runs[0]

    assert run.experiment.key == "vgg19-disfa-image"
    assert run.metrics.network == "vgg19"
    assert len(run.history) == 12
    assert run.history[0].epoch == 1
    assert len(run.panels) == 8
    assert {panel.method for panel in run.panels} == {"gradcam", "gradcam++"}
    assert run.record["files"] == {"model.pt": "sha256 ab12"}
    assert run.record["commit"] == "0123abc"


def test_a_run_without_figures_was_not_run(folder):
    results = read_results(folder)

    assert [run.metrics is None for run in results.runs] == [False, False, True]
    (folder / "runs" / "resnet18-fer2013" / "evaluation.json").unlink()
    assert read_results(folder).runs[0].metrics is None


def test_a_panel_whose_name_says_nothing_is_kept_apart(folder):
    panels = folder / "runs" / "resnet18-fer2013" / "panels"
    panels.mkdir()
    (panels / "anything at all.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    (panel,) = read_results(folder).runs[0].panels
    assert (panel.where, panel.name) == ("", "anything at all.png")


def test_a_study_writes_and_reads_the_same(tmp_path):
    study = read_results(write_paper2(tmp_path)).study

    assert study.heading == "Three ResNets on made-up numbers"
    assert study.experiments[0].key == "resnet18-fer2013"


def spoil_study(folder, **keys):
    change(folder / "study.json", **keys)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"format": 2}, "format must be 1, got 2; run the study again"),
        ({"study": "paper3"}, "study must be one of paper1, paper2, got 'paper3'"),
        ({"headding": "x"}, "unknown key headding; did you mean heading"),
    ],
)
def test_a_study_that_is_none_is_refused(folder, keys, words):
    spoil_study(folder, **keys)

    with pytest.raises(SourceOpenError, match=words):
        read_results(folder)


def test_two_runs_of_the_same_must_be_told_apart(folder):
    study = json.loads((folder / "study.json").read_text())
    first = study["experiments"][0]
    spoil_study(folder, experiments=[first, first])
    with pytest.raises(SourceOpenError, match="must differ in keys, got resnet18-fer2013 twice"):
        read_results(folder)

    spoil_study(folder, experiments=[first, {**first, "key": "other"}])
    with pytest.raises(SourceOpenError, match="must differ in network, variant, dataset and"):
        read_results(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("evaluation.json", "{", "is not JSON"),
        ("evaluation.json", "{}", "format must be 1, got None; evaluate the run again"),
        ("history.csv", "epoch,loss\n1,x\n", "epoch, loss and score"),
        ("run.json", "[]", "must hold one object"),
        ("panels/in-set_gradcam_AU04.png", "<svg>", "is no PNG; draw it again"),
    ],
)
def test_a_broken_file_of_a_run_is_named(folder, name, content, words):
    path = folder / "runs" / "resnet18-fer2013" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)

    with pytest.raises(SourceOpenError, match=words) as caught:
        read_results(folder)
    assert str(path) in str(caught.value)


def test_figures_of_another_network_are_refused(folder):
    change(folder / "runs" / "resnet18-fer2013" / "evaluation.json", network="vgg19")

    with pytest.raises(SourceOpenError, match="must be of resnet18 split by given, got vgg19"):
        read_results(folder)


def test_a_folder_without_a_study_says_who_writes_one(tmp_path):
    with pytest.raises(SourceOpenError, match="`rtau-train study` writes it"):
        read_results(tmp_path)
