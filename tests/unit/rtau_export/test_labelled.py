"""What a labelled folder says of a reduced file, for every task."""

import dataclasses
import shutil

import numpy as np
import pytest

from rtau.contract import read_sidecar
from rtau.data import Scores
from rtau_export.cli import main

pytest.importorskip("onnx", reason="builds its models with the onnx package")

from rtau_export import precision
from rtau_export.labelled import LabelledPictures, macro_f1
from tests.support import reduced
from tests.support.doubles import make_contract
from tests.support.training import FACES

pytestmark = [pytest.mark.needs_onnx, pytest.mark.needs_onnxruntime]

TASKS = {
    "12 AUs": ("AU01 AU02 AU04 AU05 AU06 AU09 AU12 AU15 AU17 AU20 AU25 AU26", "0,3,", 0),
    "20 AUs with intensity": (
        "AU01 AU02 AU04 AU05 AU06 AU07 AU09 AU10 AU11 AU12 "
        "AU14 AU15 AU17 AU20 AU23 AU24 AU25 AU26 AU28 AU45",
        "0.5,4.5,,2,",
        0,
    ),
    "7 classes": ("anger disgust fear happiness sadness surprise neutral", "", 1),
}


def labelled_folder(folder, labels, values, *, classes):
    """Writes two dozen renders with made-up labels; an empty value was not coded."""
    shutil.copytree(FACES / "crops" / "00", folder / "crops")
    files = sorted(path.name for path in (folder / "crops").iterdir())[:24]
    if classes:
        rows = [f"{file},{labels[k % len(labels)]}" for k, file in enumerate(files)]
        head = "file,emotion"
    else:
        cells = values.split(",")[:-1]
        rows = [
            ",".join([file, *(cells[(k + place) % len(cells)] for place in range(len(labels)))])
            for k, file in enumerate(files)
        ]
        head = ",".join(["file", *labels])
    (folder / "labels.csv").write_text("\n".join([head, *rows]) + "\n")
    return len(files)


@pytest.mark.parametrize("task", TASKS)
def test_labelled_pictures_of_every_task_measure_what_int8_changes(tmp_path, monkeypatch, task):
    names, values, classes = TASKS[task]
    labels = tuple(names.split())
    monkeypatch.setattr(reduced, "LABELS", len(labels))
    # Random weights have labels without heat: how much may change is the matter of other tests.
    monkeypatch.setattr(precision, "_check_limits", lambda *_, **__: None)
    contract = {
        "labels": labels,
        "task": "multi_class" if classes else "multi_label",
        "thresholds": (0.0 if classes else 0.5,) * len(labels),
        "cam_scale": (1.0,) * len(labels),
    }
    model = tmp_path / "model.onnx"
    model.write_bytes(reduced.residual_model(**contract))
    count = labelled_folder(tmp_path / "set", labels, values, classes=classes)
    flags = ["--precision", "int8", "--calibrate", FACES, "--ranges", "minmax", "--labelled"]
    flags.append(tmp_path / "set")

    assert main(["onnx", *map(str, (model, "--out", tmp_path / "out.onnx", *flags))]) == 0

    parity = read_sidecar(tmp_path / "out.onnx").parity
    assert parity.images == count
    assert parity.images_origin == "labelled pictures of set"
    assert parity.decisions == count * len(labels)
    assert -1 <= parity.macro_f1_difference <= 1


def test_the_macro_f1_counts_coded_pictures_and_the_most_probable_class():
    contract = make_contract(thresholds=(0.5, 0.5, 0.5))
    logits = np.array([[2, -2, -2], [2, 2, -2], [-2, 3, -2]], np.float32)
    occurs = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], bool)
    coded = np.array([[1, 1, 0], [0, 1, 0], [1, 1, 0]], bool)
    truth = LabelledPictures("set", np.zeros((3, 4, 4, 3), np.uint8), occurs, coded)

    def scores(task):
        return Scores(labels=contract.labels, task=task, logits=logits)

    assert macro_f1(scores("multi_label"), contract, truth) == 1.0
    classes = dataclasses.replace(contract, task="multi_class")
    all_coded = dataclasses.replace(truth, coded=np.ones((3, 3), bool))
    # Row 2 says class 0 (the first of two equals): F1 is 2/3 for class 0 and 2/3 for class 1.
    assert macro_f1(scores("multi_class"), classes, all_coded) == pytest.approx(2 / 3)
