"""The code in the documents for users runs as it stands there; R code names columns that exist."""

import re
import shutil

import pytest

from rtau import Detector, columns
from rtau.cli.main import main
from rtau.facs import AU
from tests.architecture.test_documents import FENCE, text_of
from tests.architecture.tree import ROOT
from tests.examples.test_examples import close_detectors, drawing

DOCS = ROOT / "docs"
WITH_PYTHON = (
    *("../README.md", "python.md", "quick-start.md", "recipes.md", "data-dictionary.md"),
    "analysis.md",
)
LABELS = tuple(f"AU{au.value:02d}" for au in AU)
# Columns that a block of R code makes for itself.
MADE_IN_R = {"change", "lengths", "values"}


def blocks(name, language):
    return [code for kind, code in FENCE.findall(text_of(DOCS / name)) if kind == language]


@pytest.fixture(scope="module")
def clip_csv(tmp_path_factory):
    """The table of the sample clip with landmarks, as the command line writes it."""
    path = tmp_path_factory.mktemp("table") / "clip.csv"
    clip = ROOT / "examples" / "one_face.mp4"
    assert main(["video", str(clip), "--csv", str(path), "--landmarks", "--max-frames", "300"]) == 0
    return path


@pytest.fixture
def here(tmp_path, monkeypatch, clip_csv):
    """A folder like the one a reader works in; a camera and a stream are the sample clip."""
    shutil.copy(clip_csv, tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)

    def of_the_clip(self, *_, **__):
        return self.detect_video(ROOT / "examples" / "one_face.mp4", max_frames=5)

    monkeypatch.setattr(Detector, "camera", of_the_clip)
    monkeypatch.setattr(Detector, "stream", of_the_clip)
    return tmp_path


@pytest.mark.needs_onnxruntime
@pytest.mark.parametrize("name", WITH_PYTHON)
def test_the_python_code_of_a_document_runs(name, here, monkeypatch):
    pytest.importorskip("pandas", reason="pandas is not installed (pip install 'rtau[table]')")
    pyplot = drawing(monkeypatch)
    names = {}
    try:
        for number, code in enumerate(blocks(name, "python")):
            exec(compile(code, f"{name}, block {number}", "exec"), names)
    finally:
        pyplot.close("all")
        close_detectors(names)


@pytest.mark.needs_onnxruntime
def test_the_recipes_find_the_smile_of_the_clip(here):
    pytest.importorskip("pandas", reason="pandas is not installed (pip install 'rtau[table]')")
    names = {}
    code = blocks("recipes.md", "python")
    exec(compile("\n".join(code[:3]), "recipes.md", "exec"), names)
    (smile,) = names["events"](names["faces"], "AU12").itertuples()
    assert 9 < smile.start_s < 9.5 < smile.end_s < 10.5
    assert smile.peak_p > 0.9


def test_r_code_names_columns_of_the_table():
    optional = columns.OptionalColumns(sides=("AU12",))
    options = {"with_file": True, "with_landmarks": True, "optional": optional}
    known = set(columns.header(LABELS, task="multi_label", **options))
    code = "\n".join(blocks("recipes.md", "r"))
    assert len(blocks("recipes.md", "r")) >= 5
    named = set(re.findall(r"\$(\w+)", code)) | set(re.findall(r"\bAU\d\d_[a-z]\b", code))
    assert {"AU12_p", "AU12_c", "timestamp", "x_45"} <= named
    assert named - known - MADE_IN_R == set()


def test_columns_named_in_the_comparison_with_other_tools_exist():
    optional = columns.OptionalColumns(pose=True, intensity=True)
    options = {"with_file": True, "with_landmarks": True, "optional": optional}
    known = set(columns.header(LABELS, task="multi_label", **options))
    table = text_of(DOCS / "coming-from.md")
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|", table, flags=re.MULTILINE)
    ours = {name for row in rows for name in re.findall(r"`(\w+_\w+|AU\d\d_[cp])`", row)}
    assert {"AU12_c", "AU12_p", "face_x", "face_h", "x_0"} <= ours
    assert ours - known == set()
