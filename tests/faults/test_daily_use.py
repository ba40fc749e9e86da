"""Small things of daily use: where a result goes, what a wrong name is told, and equal numbers."""

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.commands import EXAMPLE, ROOT, run_here

pytestmark = pytest.mark.needs_onnxruntime
PORTRAIT = ROOT / "examples" / "portraits" / "f032.jpg"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(name):
    with Path(name).open(newline="") as file:
        return list(csv.DictReader(file))


def last_line(capsys, *arguments):
    code, _, err = run_here(capsys, *arguments)
    return code, err.splitlines()[-1]


def test_a_video_without_an_output_says_how_to_keep_the_results(here, capsys):
    code, out, err = run_here(capsys, "video", EXAMPLE, "--max-frames", 2)
    assert code == 0
    assert out
    assert err.startswith(
        "rtau: no output is named: results are shown and not kept; --csv one_face.csv keeps them\n"
    )
    _, _, err = run_here(capsys, "video", EXAMPLE, "--max-frames", 2, "--csv", "o.csv")
    assert "no output is named" not in err
    (here / "broken.mp4").write_bytes(b"no video")
    code, _, err = run_here(capsys, "video", "broken.mp4")
    assert (code, err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--csv", "a.xlsx"], "a.csv, which spreadsheets open, or give --parquet FILE"),
        (["--csv", "a.parquet"], "name it a.csv, or give --parquet FILE"),
        (["--parquet", "a.ODS"], "name it a.parquet, or give --csv FILE"),
        (["--jsonl", "a.csv"], "name it a.jsonl, or give --csv FILE"),
    ],
)
def test_a_name_that_promises_another_format_is_refused_with_the_way(here, arguments, told, capsys):
    code, line = last_line(capsys, "video", EXAMPLE, *arguments)
    assert code == 2
    assert told in line
    assert list(here.iterdir()) == []


def test_a_table_of_results_is_not_written_as_a_spreadsheet(here, capsys):
    example = ROOT / "examples" / "one_face.csv"
    for verb in ("summary", "events"):
        code, line = last_line(capsys, verb, example, "--out", "b.xlsx")
        assert code == 2
        assert line.endswith("would be a spreadsheet; name it b.csv, which spreadsheets open")


def test_a_picture_among_videos_is_told_the_verb(here, capsys):
    code, line = last_line(capsys, "video", PORTRAIT, "--csv", "o.csv")
    assert code == 2
    assert line.endswith(f"score it with `rtau image {PORTRAIT}`")


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.webp", "a.tif"])
def test_an_image_is_written_as_one_annotated_picture(here, name, capsys):
    code, line = last_line(capsys, "image", PORTRAIT, "--out", name)
    assert code == 0
    assert line.endswith(f"annotated: {name}")
    before, after = cv2.imread(str(PORTRAIT)), cv2.imread(name)
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).max() > 100
    assert [path.name for path in here.iterdir()] == [name]


def test_a_picture_is_refused_where_it_would_do_harm_or_there_are_several(here, capsys):
    (here / "a.jpg").write_bytes(PORTRAIT.read_bytes())
    for arguments, told in (
        (["a.jpg", "--out", "a.jpg"], "is the input"),
        (["a.jpg", "--out", "a.mp4"], "--out must end in .png"),
        (["a.jpg", PORTRAIT, "--out", "b.png"], "2 images are named; give --out-dir DIR"),
        (["a.jpg", "--out", "b.png", "--jsonl", "b.png"], "two outputs have the same name"),
    ):
        code, line = last_line(capsys, "image", *arguments)
        assert code == 2
        assert told in line
    assert (here / "a.jpg").read_bytes() == PORTRAIT.read_bytes()
    assert len(list(here.iterdir())) == 1


def test_numbers_of_faces_agree_in_message_table_lines_record_and_picture(here, capsys):
    portrait = cv2.resize(cv2.imread(str(PORTRAIT)), (320, 320))
    small = np.full((320, 60, 3), portrait[0, 0], np.uint8)
    small[100:160] = cv2.resize(portrait, (60, 60))
    image = np.hstack([portrait, portrait, small])
    cv2.imwrite("three.png", image)
    outputs = ("--csv", "o.csv", "--jsonl", "o.jsonl", "--out", "o.png", "--no-bars")
    code, line = last_line(capsys, "image", "three.png", *outputs)
    assert code == 0
    (said,) = re.findall(r" (\d+) faces?,", line)
    rows = [row for row in rows_of("o.csv") if row["success"] == "1"]
    drawn = 0
    changed = (cv2.imread("o.png") != image).any(axis=2)
    for row in rows:
        x, y, width = (round(float(row[f"face_{name}"])) for name in "xyw")
        drawn += changed[y - 3 : y + 4, x : x + width].any(axis=0).mean() > 0.5
    faces = json.loads((here / "o.jsonl").read_text())["faces"]
    tracks = json.loads((here / "o.run.json").read_text())["tracks"]
    assert len(rows) >= 3
    assert int(said) == drawn == len(faces) == tracks == len(rows)


def test_a_face_of_the_first_frame_is_reported_from_the_first_frame(here, capsys):
    code, _ = last_line(capsys, "video", EXAMPLE, "--csv", "o.csv", "--max-frames", 3)
    assert code == 0
    found = [(row["frame"], row["success"]) for row in rows_of("o.csv")]
    assert found == [("1", "1"), ("2", "1"), ("3", "1")]
