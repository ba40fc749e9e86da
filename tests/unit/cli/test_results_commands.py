"""`rtau summary` and `rtau events`: tables in, tables and files out."""

import csv
import io
import json

import pytest

from tests.support.commands import run_here
from tests.support.tables import face_table, write_csv

RECORD = {
    "settings": {},
    "model": {"labels": ["AU06", "AU12"], "thresholds": [0.5, 0.5]},
    "source": {"name": "recordings/a.mp4"},
}
VALUES = {"AU06_p": (0.1, 0.1, 0.1, 0.1, 0.1), "AU12_p": (0.1, 0.8, 0.9, 0.45, 0.1)}
DECISIONS = {"AU06_c": (0, 0, 0, 0, 0), "AU12_c": (0, 1, 1, 0, 0)}


@pytest.fixture
def results(tmp_path):
    """A folder of the results of two videos, one of them with its run record."""
    folder = tmp_path / "results"
    (folder / "day1").mkdir(parents=True)
    write_csv(folder / "day1" / "a.csv", face_table({**DECISIONS, **VALUES}))
    (folder / "day1" / "a.run.json").write_text(json.dumps(RECORD))
    write_csv(folder / "=b.csv", face_table({**DECISIONS, **VALUES}))
    return folder


def rows_of(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_a_summary_has_a_row_per_file_and_face(results, capsys, tmp_path):
    code, out, _ = run_here(capsys, "summary", results)
    rows = rows_of(out)
    assert code == 0
    assert [row["file"] for row in rows] == ["./=b", "day1/a"]
    assert [row["active_AU12"] for row in rows] == ["0.4", "0.4"]
    assert rows[0]["active_AU06_AU12"] == "0.0"
    assert run_here(capsys, "summary", results, "--out", tmp_path / "s.csv")[0] == 0
    assert (tmp_path / "s.csv").read_text() == out


def test_events_use_the_thresholds_of_the_run_record(results, capsys):
    code, out, _ = run_here(capsys, "events", results)
    found = [(row["file"], row["au"], row["onset_s"], row["offset_s"]) for row in rows_of(out)]
    assert code == 0
    # Hysteresis needs probabilities and a threshold; without a record the decisions count.
    assert found == [("./=b", "AU12", "0.1", "0.3"), ("day1/a", "AU12", "0.1", "0.4")]


def test_flags_change_what_an_event_is(results, capsys):
    options = ("--threshold", "0.85", "--hysteresis", "0", "--min-duration", "0")
    rows = rows_of(run_here(capsys, "events", results, *options)[1])
    assert {(row["onset_s"], row["offset_s"]) for row in rows} == {("0.2", "0.3")}


@pytest.mark.parametrize(
    ("kind", "suffix"), [("elan", ".eaf"), ("praat", ".TextGrid"), ("bids", "_events.tsv")]
)
def test_events_become_a_file_per_video(results, capsys, tmp_path, kind, suffix):
    out = tmp_path / "out"
    code, _, error = run_here(capsys, "events", results, "--format", kind, "--out-dir", out)
    assert code == 0
    assert error == "rtau: 2 events in 2 files\n"
    written = {path.relative_to(out).as_posix() for path in out.rglob(f"*{suffix}")}
    assert written == {f"=b{suffix}", f"day1/a{suffix}"}
    assert "AU12" in (out / "day1" / f"a{suffix}").read_text()
    one = tmp_path / f"one{suffix}"
    single = ("events", results / "day1" / "a.csv", "--format", kind, "--out", one)
    assert run_here(capsys, *single)[0] == 0
    assert "AU12" in one.read_text()


def test_boris_gets_one_table(results, capsys):
    code, out, _ = run_here(capsys, "events", results, "--format", "boris")
    assert code == 0
    assert [row["Behavior type"] for row in rows_of(out)] == ["START", "STOP"] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("events", "{results}", "--format", "elan"), "give --out FILE or --out-dir DIR"),
        (("events", "{results}", "--format", "elan", "--out", "x.eaf"), "2 need --out-dir"),
        (("events", "{results}", "--out-dir", "x"), "give --out FILE"),
        (("events", "{results}", "--min-duration", "-1"), "--min-duration must be 0 or more"),
        (("events", "{results}", "--values", "r"), "a.csv: the table has no column AU06_r"),
        (("summary", "{results}", "--by", "seat"), "no column seat"),
        (("summary", "{results}/day1/a.csv", "--out", "{results}/day1/a.csv"), "is the input"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(results, capsys, tmp_path, arguments, words):
    given = [argument.format(results=results) for argument in arguments]
    code, out, error = run_here(capsys, *given)
    assert code == 2
    assert out == ""
    assert words in error.replace(str(results / "=b.csv"), "a.csv")
    assert error.count("\n") == 1
