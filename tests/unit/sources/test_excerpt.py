"""Parts of a source: which frames, with which numbers and times."""

import csv

import pytest

from rtau.sources.excerpt import Excerpt
from rtau.sources.synthetic import SyntheticSource
from tests.support.commands import EXAMPLE, run_here


def part(**options):
    source = SyntheticSource(frames=30, width=64, height=48, fps=10)
    return Excerpt(source, **options)


@pytest.mark.parametrize(
    ("options", "indices"),
    [
        ({}, range(30)),
        ({"start_s": 1.0}, range(10, 30)),
        ({"end_s": 1.0}, range(10)),
        ({"start_s": 0.95, "end_s": 1.25}, (10, 11, 12)),
        ({"every": 7}, (0, 7, 14, 21, 28)),
        ({"start_s": 1.0, "end_s": 2.0, "every": 4}, (10, 14, 18)),
        ({"start_s": 99.0}, ()),
    ],
)
def test_frames_keep_their_numbers_and_times(options, indices):
    with_frames = part(**options)
    frames = list(with_frames)
    assert [frame.index for frame in frames] == list(indices)
    assert [frame.time_s for frame in frames] == pytest.approx([k / 10 for k in indices])
    with_frames.close()


def test_the_number_of_frames_is_estimated():
    assert part(start_s=1.0, end_s=2.0, every=4).info.frame_count == 2
    assert part(end_s=99.0).info.frame_count == 30


@pytest.mark.needs_onnxruntime
def test_a_part_of_a_video_becomes_a_table(tmp_path, capsys):
    table = tmp_path / "o.csv"
    given = ("--start", "0.4", "--end", "0.8", "--every", "5", "--csv", table, "--view", "none")
    assert run_here(capsys, "video", EXAMPLE, *given)[0] == 0
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["timestamp"]) for row in rows] == [
        *(("11", "0.400000"), ("16", "0.600000")),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--start", "2", "--end", "1", "--csv", "o.csv"), "--end must be after --start 2, got 1"),
        (("--every", "5", "--out", "o.mp4"), "--start and --every are for tables"),
        (("--start", "5", "--out-dir", "o"), "add --write csv"),
        (("--every", "0", "--csv", "o.csv"), "--every must lie in"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    code, _, error = run_here(capsys, "video", EXAMPLE, *arguments)
    assert code == 2
    assert words in error
    assert not list(tmp_path.glob("o.*"))
