"""`rtau report`: from a clip or its table to pages, an index and figures."""

import shutil

import pytest

from rtau.cli.main import main
from tests.support.commands import EXAMPLE, run_here

FRAMES = 60


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A copy of the sample clip with the table of a run over its beginning."""
    folder = tmp_path_factory.mktemp("report")
    shutil.copy(EXAMPLE, folder / "clip.mp4")
    clip, table = str(folder / "clip.mp4"), str(folder / "clip.csv")
    assert main(["video", clip, "--csv", table, "--max-frames", str(FRAMES), "--view", "none"]) == 0
    return folder


@pytest.mark.needs_onnxruntime
def test_a_folder_of_results_becomes_reports_with_an_index(run_folder, capsys, tmp_path):
    results = tmp_path / "results"
    (results / "sub").mkdir(parents=True)
    for suffix in (".csv", ".run.json"):
        shutil.copy(run_folder / f"clip{suffix}", results / f"clip{suffix}")
    shutil.copy(run_folder / "clip.csv", results / "sub" / "no_record.csv")
    out = tmp_path / "reports"
    code, _, error = run_here(capsys, "report", results, "--out", out)
    assert code == 0, error
    assert "2 reports" in error
    index = (out / "index.html").read_text()
    assert '<a href="clip.html">' in index
    assert '<a href="sub__no_record.html">sub/no_record' in index
    assert "data:image/jpeg" in (out / "clip.html").read_text()  # the video is named by the record
    assert "not found" in (out / "sub__no_record.html").read_text()


@pytest.mark.needs_onnxruntime
def test_time_lines_are_drawn(run_folder, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    table, png = run_folder / "clip.csv", tmp_path / "lines.png"
    given = ("--out", tmp_path / "o.html", "--png", png, "--no-heatmaps", "--video", "none")
    assert run_here(capsys, "report", table, *given)[0] == 0
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("none.mp4",), 1, "no such file"),
        (("{folder}",), 2, "several reports need a folder"),
        (("{folder}/clip.mp4", "{folder}/clip.csv", "--out", "o"), 2, "first: rtau video"),
        (("{folder}/clip.mp4", "--png", "o.png"), 2, "add --csv FILE"),
        (("{folder}/clip.csv", "--out", "{folder}/clip.csv"), 2, "is the input"),
    ],
)
@pytest.mark.needs_onnxruntime
def test_what_cannot_be_reported_is_said(run_folder, capsys, arguments, code, words):
    given = [argument.format(folder=run_folder) for argument in arguments]
    found, _, error = run_here(capsys, "report", *given)
    assert found == code
    assert words in error
