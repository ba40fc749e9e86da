"""Odd names, closed and full standard streams: results as ever, one line, no traceback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtau.backends import bundled_models
from rtau.table import read_csv
from tests.support import media
from tests.support.commands import ROOT, run_here

pytestmark = pytest.mark.needs_onnxruntime

ESCAPES = "a\x1b]0;owned\x07\nrtau: b"


def shell(words, folder):
    """Returns exit code and standard error of `rtau` with redirections."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        f"{sys.executable} -m rtau {words}",
        shell=True,
        check=False,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def write_image(path):
    path.write_bytes(cv2.imencode(".jpg", np.full((96, 128, 3), 90, np.uint8))[1].tobytes())
    return path


@pytest.fixture
def folder(tmp_path):
    media.write_clip(tmp_path / "a.mp4", count=5)
    write_image(tmp_path / "a.jpg")
    return tmp_path


@pytest.mark.parametrize("stream", ["2>&-", "2>/dev/full", "<&- >&- 2>&-"])
def test_a_standard_error_that_takes_nothing_costs_only_the_messages(stream, folder):
    code, _ = shell(f"video a.mp4 --csv o.csv --out o.mp4 {stream}", folder)

    assert code == 0
    assert len((folder / "o.csv").read_text().splitlines()) == 6
    assert (folder / "o.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    "words",
    [
        "image a.jpg >/dev/full",
        "inspect shufflenetv2-au14 >/dev/full",
        "inspect shufflenetv2-au14 --json >/dev/full",
        "video a.mp4 --csv - >/dev/full",
        "video a.mp4 --csv - >&-",
        "image a.jpg >&-",
    ],
)
def test_results_that_standard_output_does_not_take_are_one_line(words, folder):
    code, err = shell(words, folder)

    assert code == 1
    assert len(err.strip().splitlines()) == 1, err
    assert "cannot be written" in err


def test_names_do_not_reach_the_terminal_as_they_are(tmp_path, capsys):
    clip, image = tmp_path / f"{ESCAPES}.mp4", write_image(tmp_path / f"{ESCAPES}.jpg")
    media.write_clip(tmp_path / "a.mp4", count=3).rename(clip)
    for words in (
        ("video", clip, "--csv", tmp_path / "o.csv"),
        ("video", clip, "--out-dir", tmp_path / "out", "--write", "csv"),
        ("image", image),
        ("image", tmp_path / f"{ESCAPES}.no"),
        ("inspect", f"{ESCAPES}.onnx"),
        ("video", clip, "--no-such-flag", ESCAPES),
    ):
        _, out, err = run_here(capsys, *words)
        assert "\x1b" not in out + err
        assert not any(line.startswith("rtau: b") for line in (out + err).splitlines())


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_bytes_that_are_no_utf_8_are_printed_in_any_encoding(encoding, tmp_path):
    names = [os.fsdecode(b"caf\xe9.jpg"), "\u4e09.jpg", "other.jpg"]
    for name in names:
        write_image(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "rtau", "image", *names],
        check=False,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONIOENCODING": encoding,
            "PYTHONUTF8": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
        capture_output=True,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"\n") == 3
    assert b"caf\\xe9.jpg: no face found" in done.stdout


def test_a_path_with_markup_is_inspected_as_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "a[").mkdir()
    path = tmp_path / "a[" / "b].onnx"
    shutil.copy(next(iter(bundled_models().values())), path)
    odd = tmp_path / "a[/b].onnx"
    code, out, _ = run_here(capsys, "inspect", odd)

    assert code == 0
    assert str(odd) in out


@pytest.mark.parametrize("name", ["=1+1.jpg", "+1.jpg", "-1.jpg", "@a.jpg", "\ta.jpg"])
def test_no_name_is_a_formula_of_a_spreadsheet(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / name)
    code, _, err = run_here(capsys, "image", "--csv", "o.csv", "--", name)

    assert code == 0, err
    cell = read_csv("o.csv")["file"][0]
    assert cell == f"./{name}"
    assert Path(cell).samefile(name)


def test_a_password_of_an_address_is_in_no_message_and_no_record(folder, capsys, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["rtau", "video", "a.mp4", "--note", "rtsp://u:s3cr3t@cam/live"]
    )
    table = folder / "o.csv"
    code, _, err = run_here(capsys, "video", folder / "a.mp4", "--csv", table)
    assert code == 0
    text = (folder / "o.run.json").read_text()
    assert json.loads(text)["command"][-1] == "rtsp://cam/live"

    code, _, more = run_here(
        capsys, "webcam", "http://u:s3cr3t@127.0.0.1:9/x", "--csv", table, "--timeout", "1"
    )
    assert code == 1
    assert "s3cr3t" not in err + more + text


def test_images_whose_copies_have_one_name_are_refused_before_the_first(tmp_path, capsys):
    for name in ("a.jpg", "a.jpeg", "b.jpg"):
        write_image(tmp_path / name)
    out, table = tmp_path / "out", tmp_path / "o.csv"
    code, _, err = run_here(capsys, "image", tmp_path, "--out-dir", out, "--csv", table)

    assert code == 2
    assert "would both be written" in err
    assert not out.exists()
    assert not table.exists()


def test_a_picture_too_wide_for_jpeg_becomes_a_png(tmp_path, capsys):
    wide = tmp_path / "wide.ppm"
    wide.write_bytes(b"P6\n70000 8\n255\n" + bytes(70000 * 8 * 3))
    code, _, err = run_here(capsys, "image", wide, "--out-dir", tmp_path / "out")

    assert code == 0, err
    assert cv2.imread(str(tmp_path / "out" / "wide.png")).shape == (8, 70000, 3)


@pytest.mark.parametrize("verb", ["video", "image"])
def test_an_unset_variable_is_no_name_of_a_source(verb, capsys):
    code, _, err = run_here(capsys, verb, "")

    assert code == 2
    assert "must name a file or a folder" in err


@pytest.mark.parametrize(
    "words",
    [
        ("video", "{}.mp4", "--csv", "o.csv"),
        ("video", "a.mp4", "--csv", "{}.csv"),
        ("video", "a.mp4", "--out", "{}.mp4"),
        ("video", "a.mp4", "--csv", "o.csv", "--model", "{}"),
        ("image", "{}.jpg"),
        ("inspect", "{}.onnx"),
    ],
)
def test_a_name_that_the_file_system_refuses_is_one_line(words, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    code, _, err = run_here(capsys, *(word.format("n" * 300) for word in words))

    assert code in (1, 2)
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("rtau: ")


def test_a_library_says_nothing_beside_an_error(tmp_path):
    cut = tmp_path / "cut.bmp"
    image = np.full((240, 320, 3), 90, np.uint8)
    cut.write_bytes(cv2.imencode(".bmp", image)[1].tobytes()[:100_000])
    code, err = shell("image cut.bmp", tmp_path)

    assert code == 1
    assert len(err.strip().splitlines()) == 1, err


def test_the_longest_names_are_written(tmp_path, capsys):
    stem = "n" * 246
    clip = media.write_clip(tmp_path / "a.mp4", count=3)
    out, table = tmp_path / f"{stem}.mp4", tmp_path / f"{stem}.csv"
    code, _, err = run_here(
        capsys, "video", clip, "--out", out, "--csv", table, "--record", tmp_path / f"{stem}.json"
    )

    assert code == 0, err
    assert "fragmented" not in (tmp_path / f"{stem}.json").read_text()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_zero_byte_in_the_settings_is_one_line(folder, capsys):
    settings = folder / "c.toml"
    settings.write_text('[find]\nfaces = "a\\u0000b"\n')
    code, _, err = run_here(capsys, "video", folder / "a.mp4", "--config", settings)

    assert code == 2
    assert "must be a text without zero bytes" in err
    assert len(err.strip().splitlines()) == 1
