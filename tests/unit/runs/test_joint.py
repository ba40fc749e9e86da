"""Several files into one table: each as it is alone, and one record for all."""

import csv
import importlib
import json

import numpy as np
import pytest

from tests.support import media
from tests.support.commands import example_frames, run_here

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two clips with one rendered face; the second ends in an empty frame."""
    folder = tmp_path_factory.mktemp("clips")
    empty = np.zeros((360, 640, 3), np.uint8)
    return [
        media.write_clip(folder / "a.mp4", example_frames(12), fps=25),
        media.write_clip(folder / "b.mp4", [*example_frames(9), *[empty] * 8], fps=25),
    ]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_one_table_has_the_rows_of_each_file_behind_its_name(clips, tmp_path, capsys):
    every = tmp_path / "all.csv"
    code, _, err = run_here(capsys, "video", *clips, "--csv", every)
    assert code == 0, err

    header, *found = rows(every)
    wanted = []
    for clip in clips:
        code, _, err = run_here(capsys, "video", clip, "--csv", tmp_path / "one.csv")
        assert code == 0, err
        names, *alone = rows(tmp_path / "one.csv")
        wanted += [[str(clip), *row] for row in alone]
    assert header == ["file", *names]
    assert found == wanted


def test_one_record_holds_the_sums_and_each_file(clips, tmp_path, capsys):
    code, _, err = run_here(capsys, "video", *clips, "--csv", tmp_path / "all.csv")
    assert code == 0, err
    record = json.loads((tmp_path / "all.run.json").read_text())
    assert record["source"]["name"] == "2 files"
    assert record["frames_processed"] == 29
    assert record["end_reason"] == "end of source"
    assert record["outputs"]["csv"] == str(tmp_path / "all.csv")
    assert record["output_bytes"]["csv"] == (tmp_path / "all.csv").stat().st_size
    assert [one["source"]["name"] for one in record["files"]] == [str(clip) for clip in clips]
    assert [one["frames_processed"] for one in record["files"]] == [12, 17]
    assert record["files"][1]["source"]["file"]["size_bytes"] == clips[1].stat().st_size


def test_json_lines_name_the_file_of_each_frame(clips, tmp_path, capsys):
    code, _, err = run_here(capsys, "video", *clips, "--jsonl", tmp_path / "all.jsonl")
    assert code == 0, err
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [str(clips[0])] * 12 + [str(clips[1])] * 17
    assert [line["frame"] for line in lines] == [*range(1, 13), *range(1, 18)]


@pytest.mark.needs_pyarrow
def test_parquet_holds_the_table_of_the_csv(clips, tmp_path, capsys):
    parquet = importlib.import_module("pyarrow.parquet")
    for sources in (clips[:1], clips):
        code, _, err = run_here(
            capsys, "video", *sources,
            "--csv", tmp_path / "t.csv", "--parquet", tmp_path / "t.parquet",
        )  # fmt: skip
        assert code == 0, err
        header, *wanted = rows(tmp_path / "t.csv")
        found = parquet.read_table(tmp_path / "t.parquet")
        assert found.column_names == header
        columns = [found[name].to_pylist() for name in header]
        for row, got in zip(wanted, zip(*columns, strict=True), strict=True):
            assert [
                cell if isinstance(value, str) else float(cell) if cell else None
                for cell, value in zip(row, got, strict=True)
            ] == list(got)
        record = json.loads((tmp_path / "t.run.json").read_text())
        assert record["outputs"]["parquet"] == str(tmp_path / "t.parquet")


def test_without_pyarrow_parquet_is_refused_before_the_run(clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(importlib.import_module("sys").modules, "pyarrow", None)
    code, _, err = run_here(capsys, "video", clips[0], "--parquet", tmp_path / "t.parquet")
    assert code == 1
    assert 'pip install "rtau[table]"' in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_fails_ends_the_run_and_its_record_says_so(clips, tmp_path, capsys):
    broken = media.write_text_as_video(tmp_path / "broken.mp4")
    code, _, err = run_here(capsys, "video", clips[0], broken, "--csv", tmp_path / "all.csv")
    assert code == 1
    assert "broken.mp4" in err
    assert len(rows(tmp_path / "all.csv")) == 13
    record = json.loads((tmp_path / "all.run.json").read_text())
    assert record["end_reason"].startswith("failed: ")
    assert record["frames_processed"] == 12


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "2 sources need a place for their results: add --csv FILE for one table of all"),
        (["--csv", "a.csv", "--out", "a.mp4"], "--out takes one source, got 2"),
        (["--csv", "a.csv", "--view", "terminal"], "--view terminal shows one source, got 2"),
        (["--csv", "a.csv", "--faces", "b.csv"], "--faces takes one source, got 2"),
    ],
)
def test_what_is_for_one_source_is_refused(clips, capsys, flags, words):
    code, _, err = run_here(capsys, "video", *clips, *flags)
    assert code == 2
    assert words in err
