"""`rtau video FOLDER --out-dir DIR`: a tree of files through worker processes, and resuming."""

import csv
import json
import sys
from pathlib import Path

import pytest

from rtau.config import build
from rtau.runs.batch._process_pool import ProcessPool
from rtau.runs.batch._reports import JobStarted
from rtau.runs.batch.run import KEPT_ARGUMENTS, shorten_command, with_absolute_paths
from tests.support import media
from tests.support.commands import example_frames, run_here

FACES = 12


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Three clips in two folders, two with a face, and a text file named like a video."""
    root = tmp_path_factory.mktemp("many") / "in"
    (root / "day1").mkdir(parents=True)
    (root / "day2").mkdir()
    media.write_clip(root / "day1" / "a.mp4", example_frames(FACES), fps=25, audio="aac")
    media.write_clip(root / "day1" / "b.mov", count=6)
    media.write_clip(root / "day2" / "a.mp4", example_frames(FACES)[::-1], fps=25)
    media.write_text_as_video(root / "broken.mp4")
    return root


def files_of(folder, suffix):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob(f"*{suffix}")}


def batch_of(out):
    return json.loads((out / "batch.json").read_text())


def statuses(out):
    return {Path(f["file"]).name: f["status"] for f in batch_of(out)["files"]}


@pytest.mark.needs_onnxruntime
def test_one_and_many_workers_give_the_same_bytes_and_the_rest_survives_a_bad_file(
    tree, tmp_path, capsys
):
    one, many = tmp_path / "one", tmp_path / "many"
    first = run_here(capsys, "video", tree, "--out-dir", one, "--write", "csv,jsonl")
    code, out, err = run_here(
        capsys, "video", tree, "--out-dir", many, "--write", "csv,jsonl", "--jobs", "4"
    )

    assert (first[0], code, out) == (1, 1, "")
    tables = files_of(one, ".csv")
    assert set(tables) == {"day1/a.csv", "day1/b.csv", "day2/a.csv"}
    assert tables == files_of(many, ".csv")
    assert files_of(one, ".jsonl") == files_of(many, ".jsonl")
    rows = list(csv.DictReader(tables["day1/a.csv"].decode().splitlines()))
    assert "1" in {row["success"] for row in rows}
    assert "  failed: " in err
    assert "broken.mp4: not a video that can be read" in err
    assert "3 of 4 sources done, 1 failed" in err
    batch = batch_of(many)
    assert batch["end_reason"] == "failed"
    assert batch["workers"] == "4 processes of 1 thread"
    assert batch["counts"] == {"done": 3, "failed": 1}
    assert batch["frames"] == 2 * FACES + 6
    assert sorted(p.name for p in many.iterdir()) == ["batch.json", "day1", "day2"]


@pytest.mark.needs_onnxruntime
def test_resuming_skips_what_is_done_and_prints_why_it_runs_the_rest(tree, tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("a.mp4", "b.mp4"):
        media.write_clip(source / name, count=4)
    (source / "b.mp4").replace(source / "c.mp4")
    arguments = ("video", source, "--out-dir", out, "--write", "csv", "--resume")
    run_here(capsys, *arguments)
    made = (out / "a.csv").stat().st_mtime_ns
    media.write_clip(source / "b.mp4", count=5)
    media.write_clip(source / "c.mp4", count=7)

    code, _, err = run_here(capsys, *arguments, "--jobs", "2", "--threads", "2")

    assert code == 0, err
    assert statuses(out) == {"a.mp4": "skipped", "b.mp4": "done", "c.mp4": "done"}
    assert (out / "a.csv").stat().st_mtime_ns == made
    assert "c.mp4: again: the file has changed" in err
    assert "1 of 3 files were done and are skipped" in err
    assert "3 of 3 sources done (1 before)" in err

    code, _, err = run_here(capsys, *arguments, "--smooth", "0.5", "--max-frames", "2")
    assert code == 0
    assert err.count("again: made with other settings (decide.smooth, source.max_frames)") == 3

    code, _, err = run_here(capsys, *arguments, "--smooth", "0.5", "--max-frames", "2")
    assert code == 0
    assert set(statuses(out).values()) == {"skipped"}
    assert batch_of(out)["workers"] == "none"


@pytest.mark.needs_onnxruntime
def test_without_resume_everything_is_done_again(tmp_path, capsys):
    clip = media.write_clip(tmp_path / "in.mp4", count=2)
    made = []
    for _ in range(2):
        code, _, _ = run_here(capsys, "video", clip, "--out-dir", tmp_path / "out")
        assert code == 0
        assert statuses(tmp_path / "out") == {"in.mp4": "done"}
        made.append((tmp_path / "out" / "in.mp4").stat().st_mtime_ns)
    assert made[0] < made[1]


@pytest.mark.needs_onnxruntime
def test_fail_fast_starts_nothing_after_a_failure(tmp_path, capsys):
    media.write_text_as_video(tmp_path / "a.mp4")
    media.write_clip(tmp_path / "b.mp4", count=2)
    code, _, err = run_here(
        capsys, "video", tmp_path, "--out-dir", tmp_path / "out", "--fail-fast", "--write", "csv"
    )

    assert code == 1
    assert statuses(tmp_path / "out") == {"a.mp4": "failed", "b.mp4": "not begun"}
    assert "0 of 2 sources done, 1 failed, 1 not begun" in err


@pytest.mark.needs_onnxruntime
def test_an_error_common_to_all_files_ends_the_batch_with_one_line(tmp_path, capsys):
    media.write_clip(tmp_path / "a.mp4", count=2)
    code, _, err = run_here(
        capsys, "video", tmp_path, "--out-dir", tmp_path / "out", "--heatmap", "AU99"
    )

    assert code == 2
    assert err.count("--heatmap must be one of") == 1
    batch = batch_of(tmp_path / "out")
    assert batch["end_reason"].startswith("failed: --heatmap must be one of")
    assert statuses(tmp_path / "out") == {"a.mp4": "interrupted"}


def test_a_bug_is_not_reported_as_an_interruption(tmp_path, capsys, monkeypatch):
    def broken(*args, **options):
        yield JobStarted(0)
        raise ZeroDivisionError("no files left over")

    monkeypatch.setattr(ProcessPool, "work", broken)
    media.write_clip(tmp_path / "a.mp4", count=2)
    with pytest.raises(ZeroDivisionError):
        run_here(capsys, "video", tmp_path, "--out-dir", tmp_path / "out")

    assert batch_of(tmp_path / "out")["end_reason"] == "failed: no files left over"
    assert statuses(tmp_path / "out") == {"a.mp4": "interrupted"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--csv", "x.csv"), "--out-dir names the outputs itself"),
        (("--record", "x.json"), "--out-dir names the outputs itself"),
        (("--view", "window"), "--view window shows a single run"),
        (("--resume", "--faces", "x.csv"), "--resume cannot detect changed boxes"),
        (("--write", "avi"), "--write must be a comma-separated list of mp4, csv, parquet, jsonl"),
        (("--model", "none.onnx"), "none.onnx: no such model file"),
    ],
)
def test_options_that_do_not_apply_to_many_files_are_refused(arguments, words, tmp_path, capsys):
    media.write_clip(tmp_path / "a.mp4", count=2)
    code, _, err = run_here(capsys, "video", tmp_path, "--out-dir", tmp_path / "out", *arguments)

    assert code == 2
    assert words in err
    assert not (tmp_path / "out" / "batch.json").exists()


@pytest.mark.parametrize(
    "flags",
    [
        ("--jobs", "2"),
        ("--resume",),
        ("--fail-fast",),
        ("--full-names",),
        ("--write", "csv"),
        ("--cluster", "auto"),
    ],
    ids=lambda flags: flags[0],
)
def test_flags_for_many_files_need_a_folder(flags, capsys):
    code, _, err = run_here(capsys, "video", "a.mp4", *flags)

    assert code == 2
    assert f"{flags[0]} is for many files: add --out-dir DIR" in err


@pytest.mark.parametrize("jobs", ["-1", "4097", "two"])
def test_an_invalid_number_of_jobs_is_refused(jobs, capsys):
    code, _, err = run_here(capsys, "video", "a.mp4", "--out-dir", "out", "--jobs", jobs)

    assert code == 2
    assert "--jobs" in err


def test_an_address_is_refused(tmp_path, capsys):
    code, _, err = run_here(capsys, "video", "rtsp://camera", "--out-dir", tmp_path)
    assert code == 2
    assert "--out-dir is for files, got the address rtsp://camera" in err


def test_a_cluster_without_ray_names_the_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "rtau.runs.batch._ray_pool", raising=False)
    media.write_clip(tmp_path / "a.mp4", count=2)
    code, _, err = run_here(
        capsys, "video", tmp_path, "--out-dir", tmp_path / "out", "--cluster", "auto"
    )

    assert code == 1
    assert "--cluster needs the Python module 'ray'" in err
    assert 'pip install "rtau[ray]"' in err
    assert statuses(tmp_path / "out") == {"a.mp4": "not begun"}


def test_inputs_get_absolute_paths_for_other_working_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("m.onnx").touch()
    given = build({("model", "model"): "m.onnx", ("find", "faces"): "f.csv"})
    found = with_absolute_paths(given)

    assert (found.model.model, found.find.faces) == (
        str(tmp_path / "m.onnx"),
        tmp_path / "f.csv",
    )
    assert with_absolute_paths(build({})) == build({})


def test_a_long_command_line_is_kept_at_both_ends():
    short = ["rtau"] * (2 * KEPT_ARGUMENTS)
    assert shorten_command(short) == tuple(short)

    arguments = [str(k) for k in range(10_000)]
    kept = shorten_command(arguments)
    assert len(kept) == 2 * KEPT_ARGUMENTS + 1
    assert (kept[0], kept[-1]) == ("0", "9999")
    assert kept[KEPT_ARGUMENTS] == "... 9960 arguments: see batch.json ..."


@pytest.mark.needs_onnxruntime
def test_a_batch_ends_with_one_table_and_a_summary_when_asked(tree, tmp_path, capsys):
    out = tmp_path / "out"
    given = ("video", tree, "--out-dir", out, "--write", "csv", "--merge")
    code, _, err = run_here(capsys, *given)
    assert code == 1  # of the file that is no video
    assert "3 files ->" in err
    with (out / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    own = sum(len(text.splitlines()) - 1 for text in files_of(out / "day1", ".csv").values())
    assert [row["file"] for row in rows].count("day2/a") == FACES
    assert len(rows) == own + FACES
    with (out / "summary.csv").open(newline="") as file:
        summary = list(csv.DictReader(file))
    assert [row["file"] for row in summary] == ["day1/a", "day1/b", "day2/a"]
    assert run_here(capsys, "summary", out)[1] == (out / "summary.csv").read_text()
    assert run_here(capsys, *given[:-2], "jsonl", "--merge")[0] == 2


@pytest.mark.needs_onnxruntime
def test_names_that_leave_no_room_for_a_suffix_are_scored_and_resumed(tmp_path, capsys):
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("n" * 251, "good"):
        media.write_clip(source / f"{name}.mp4", count=2)
    arguments = ("video", source, "--out-dir", out, "--write", "csv,jsonl")
    assert run_here(capsys, *arguments)[0] == 0
    assert len(list(out.glob("*.run.json"))) == len(list(out.glob("*.csv"))) == 2
    code, _, err = run_here(capsys, *arguments, "--resume")
    assert (code, "2 of 2 files were done and are skipped" in err) == (0, True)
    events = ("events", out, "--format", "bids", "--out-dir", tmp_path / "events")
    assert run_here(capsys, *events)[0] == 0
    assert len(list((tmp_path / "events").glob("*_events.tsv"))) == 2
