"""`rtau compare`: programs and people, one video or folders of them."""

import json

import numpy as np
import pytest

from tests.support.commands import run_here
from tests.support.tables import face_table, write_csv

TIMES = np.arange(50) * 0.1
WAVE = np.where((TIMES > 1) & (TIMES < 3), 0.9, 0.1)


@pytest.fixture
def raters(tmp_path):
    """Two videos by rtau, by OpenFace and by a person."""
    for name, wave in (("a", WAVE), ("b", WAVE[::-1])):
        for rater in ("rtau", "openface", "coder"):
            (tmp_path / rater).mkdir(exist_ok=True)
        table = face_table({"AU12_p": wave, "AU12_c": wave > 0.5}, times=list(TIMES))
        write_csv(tmp_path / "rtau" / f"{name}.csv", table)
        rows = [
            f"{k + 1}, 0, {time:.3f}, 0.98, 1, {value * 5:.2f}, {value > 0.5:d}"
            for k, (time, value) in enumerate(zip(TIMES, wave, strict=True))
        ]
        header = "frame, face_id, timestamp, confidence, success, AU12_r, AU12_c"
        (tmp_path / "openface" / f"{name}.csv").write_text("\n".join([header, *rows, ""]))
        first = TIMES[wave > 0.5]
        spans = f"onset\tduration\ttrial_type\n{first[0]}\t{first[-1] - first[0] + 0.1}\tAU12\n"
        (tmp_path / "coder" / f"{name}_events.tsv").write_text(spans)
    return tmp_path


def test_folders_are_compared_video_by_video(raters, capsys):
    code, out, _ = run_here(capsys, "compare", *(raters / n for n in ("rtau", "openface", "coder")))
    assert code == 0
    assert out.count("2 files.") == 2
    rows = [line for line in out.splitlines() if line.startswith("| AU12")]
    assert [row.split("|")[2].strip() for row in rows] == [
        *("probability / intensity", "probability / occurrence"),
    ]
    assert all("1.00 [1.00, 1.00]" in row for row in rows)


def test_numbers_go_to_json_and_a_picture_is_drawn(raters, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    given = (raters / "rtau" / "a.csv", raters / "coder" / "a_events.tsv")
    more = ("--json", tmp_path / "o.json", "--png", tmp_path / "o.png")
    code, out, _ = run_here(capsys, "compare", *given, *more)
    assert (code, out) == (0, "")
    (pair,) = json.loads((tmp_path / "o.json").read_text())["pairs"]
    (label,) = pair["labels"]
    assert (label["au"], label["kappa"]["value"], label["kappa"]["low"]) == ("AU12", 1.0, None)
    assert label["base_rate_1"]["value"] == pytest.approx(0.38)
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rtau",), 2, "needs two raters"),
        (("rtau/a.csv", "none.csv"), 1, "no such file"),
        (("rtau/a.csv", "coder"), 2, "no video in common"),
        (("rtau", "openface", "--face", "9"), 2, "has no face 9; there are 1"),
        (("rtau", "openface", "--png", "o.gif"), 2, "a figure ends in .png"),
    ],
)
def test_what_cannot_be_compared_is_said(raters, capsys, arguments, code, words):
    given = [
        raters / one if (raters / one).exists() or one == "none.csv" else one for one in arguments
    ]
    found, _, error = run_here(capsys, "compare", *given)
    assert found == code
    assert words in error
    assert error.count("\n") == 1
