"""The commands of docs/coding.md run as they stand there; the truth of the sample clip codes."""

import csv
import importlib
import shlex

import pytest

from rtau.cli.main import main as rtau
from tests.architecture.test_documents import FENCE, text_of
from tests.architecture.tree import ROOT
from tests.support.prepared import read_csv, write_csv

PAGE = ROOT / "docs" / "coding.md"


def commands():
    for language, block in FENCE.findall(text_of(PAGE)):
        assert language == "sh"
        for line in block.splitlines():
            yield shlex.split(line)


def code(task):
    """Writes what the clip's truth says into a task, as FACS letters; AUs without truth stay."""
    with (ROOT / "examples" / "one_face.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    rows = read_csv(task)
    for row in rows:
        middle = (float(row["onset_s"]) + float(row["offset_s"])) / 2
        frame = min(truth, key=lambda one: abs(float(one["time_s"]) - middle))
        if row["au"] in frame:
            row["code"] = "0ABCDE"[int(float(frame[row["au"]]))]
    write_csv(task, rows)


@pytest.mark.slow
@pytest.mark.needs_torch
@pytest.mark.needs_onnx
@pytest.mark.needs_onnxruntime
def test_the_page_leads_from_a_clip_to_a_model_that_was_taught_on(tmp_path, monkeypatch):
    homes = {"rtau-train": "rtau_train.commands.main", "rtau-export": "rtau_export.cli"}
    tools = {name: importlib.import_module(home).main for name, home in homes.items()}
    tools["rtau"] = rtau
    for name in ("examples", "train", "engines"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    verbs = []
    for tool, *words in commands():
        assert tools[tool](words) == 0, words
        verbs.append(words[0])
        if words[0] == "suggest":
            code(tmp_path / "task.csv")
    assert verbs == ["suggest", "prepare", "fit", "onnx", "video"]
    labels = read_csv(tmp_path / "coded" / "labels.csv")
    assert 60 < len(labels) <= 90
    assert {row["subject"] for row in labels} == {"P1"}
    after = read_csv(tmp_path / "after.csv")
    assert len(after) == 600
    assert any(row["AU12_c"] == "1" for row in after)
