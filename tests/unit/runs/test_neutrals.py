"""Neutral faces from the command line and from Python: taken, refused, stored, used afterwards."""

from __future__ import annotations

import csv
import hashlib
import json

import cv2
import numpy as np
import pytest

from rtau import Detector
from rtau.errors import UsageError
from rtau.runs.neutrals import read_neutrals
from tests.support import media
from tests.support.commands import ROOT, example_frames, run_here

pytestmark = pytest.mark.needs_onnxruntime
SMILING = ROOT / "examples" / "portraits" / "f032.jpg"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The sample clip: at rest for half a second, then with raised brows."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames = example_frames(60)
    return media.write_clip(path, [*frames[:12], *frames[42:]], fps=25)


def test_a_table_is_the_same_whether_its_run_had_the_neutral_or_it_came_afterwards(
    clip, tmp_path, capsys
):
    during, before, after = (tmp_path / f"{name}.csv" for name in ("during", "before", "after"))
    options = ("--neutral", "0-0.3", "--decide-by", "n")
    assert run_here(capsys, "video", clip, "--csv", during, *options)[0] == 0
    assert run_here(capsys, "video", clip, "--csv", before)[0] == 0
    assert run_here(capsys, "rebaseline", before, *options, "--out", after)[0] == 0
    assert after.read_bytes() == during.read_bytes()

    neutral = tmp_path / "during.neutral.toml"
    assert (tmp_path / "after.neutral.toml").read_bytes() == neutral.read_bytes()
    for name in ("during", "after"):
        record = json.loads((tmp_path / f"{name}.run.json").read_text())
        assert record["neutral"]["sha256"] == hashlib.sha256(neutral.read_bytes()).hexdigest()
        assert record["neutral"]["faces"] == ["1"]

    with during.open(newline="") as file:
        rows = list(csv.DictReader(file))
    thresholds = dict(zip(record["model"]["labels"], record["model"]["thresholds"], strict=True))
    rest = read_neutrals(neutral)
    for row in rows:
        for label, at_rest in zip(rest.labels, rest.logits["1"], strict=True):
            p = min(max(float(row[f"{label}_p"]), 1e-6), 1 - 1e-6)
            expected = np.log(p / (1 - p)) - 0.5 * at_rest
            assert float(row[f"{label}_n"]) == pytest.approx(1 / (1 + np.exp(-expected)), rel=1e-5)
            assert int(row[f"{label}_c"]) == (float(row[f"{label}_n"]) >= thresholds[label])

    again = tmp_path / "again.csv"
    assert run_here(capsys, "video", clip, "--csv", again, "--neutral", neutral)[0] == 0
    assert run_here(capsys, "rebaseline", before, "--neutral", neutral, "--out", after)[0] == 0
    assert after.read_bytes() == again.read_bytes()


def test_a_face_that_is_refused_is_named_and_the_others_have_a_neutral(tmp_path, capsys):
    smiling, still = cv2.imread(str(SMILING)), example_frames(1)[0]
    smiling = cv2.resize(smiling, (360, 360), interpolation=cv2.INTER_AREA)
    clip = media.write_clip(
        tmp_path / "two.mp4", [np.hstack([still[:, 140:500], smiling])] * 8, fps=25
    )
    options = ("--seat", "left=0,0,0.5,1", "--seat", "right=0.5,0,1,1", "--neutral", "0-1")
    code, _, err = run_here(capsys, "video", clip, "--csv", tmp_path / "two.csv", *options)
    assert code == 0
    assert "neutral of face right refused: it smiles (AU12 is active)" in err
    record = json.loads((tmp_path / "two.run.json").read_text())
    assert record["neutral"]["faces"] == ["left"]
    assert list(record["neutral"]["refused"]) == ["right"]
    with (tmp_path / "two.csv").open(newline="") as file:
        known = {(row["seat"], row["AU12_n"] != "") for row in csv.DictReader(file)}
    assert known == {("left", True), ("right", False)}


def test_python_takes_a_neutral_for_all_later_calls(clip, tmp_path):
    with Detector(decide_by="n") as detector:
        table = detector.table(clip)
        neutral = detector.neutral(clip, seconds=(0, 0.3))
        assert "AU12_n" not in table.columns
        relative = detector.table(clip)
        assert np.isfinite(relative["AU12_n"]).all()
        assert np.array_equal(relative["AU12_p"], table["AU12_p"])
        (face,) = detector.detect(example_frames(1)[0])
        assert face.au_n["AU12"] > face.au["AU12"]
        assert neutral.of("1") == detector.neutral(clip, seconds=(0, 0.3)).of("1")
        detector.neutral(None)
        assert next(iter(detector.detect(example_frames(1)[0]))).au_n is None
        with pytest.raises(UsageError, match="it smiles"):
            detector.neutral(SMILING)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--neutral", "0-1.2"), "neutral of face 1 refused: it moves"),
        (("--neutral", SMILING), "not a neutral face: it smiles"),
        (("--neutral", "9-10"), "no face is seen; name other seconds"),
        (("--neutral", "3-1"), "must end after it begins"),
        (("--neutral", "nothing.jpg"), "nothing.jpg"),
        (("--decide-by", "n"), "needs a neutral"),
    ],
)
def test_what_is_no_neutral_ends_the_run_before_it_writes(clip, tmp_path, capsys, arguments, why):
    code, _, err = run_here(capsys, "video", clip, "--csv", tmp_path / "t.csv", *arguments)
    assert code in (1, 2)
    assert why in err
    assert not list(tmp_path.iterdir())


def test_a_neutral_of_another_model_or_with_holes_is_refused(tmp_path):
    path = tmp_path / "a.neutral.toml"
    whole = (
        'schema = 1\norigin = "x"\nweights_sha256 = "0"\nshare = 0.5\n'
        'labels = ["AU12"]\n[logits]\n"1" = [0.5]\n'
    )
    path.write_text(whole)
    assert read_neutrals(path).of("1") == (0.5,)
    path.write_text(whole, encoding="utf-8-sig")  # as Windows' editors save it
    assert read_neutrals(path).of("1") == (0.5,)
    with Detector() as detector, pytest.raises(UsageError, match="taken with other weights"):
        detector.neutral(path)
    for changed in (whole.replace("[0.5]", "[]"), whole.replace("= 1", "= 2"), "nonsense", "a = 1"):
        path.write_text(changed)
        with pytest.raises(UsageError, match=r"a\.neutral\.toml: "):
            read_neutrals(path)


def test_tables_without_raw_probabilities_cannot_be_rebaselined(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text("frame,face_id,timestamp,confidence,success,AU12_r\n1,0,0.0,0.9,1,2.5\n")
    code, _, err = run_here(capsys, "rebaseline", path, "--neutral", "0-5")
    assert code == 2
    assert "no raw probabilities" in err
