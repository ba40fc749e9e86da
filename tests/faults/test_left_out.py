"""What is not judged is said: folders, links, suffixes, pages; and names that look like others."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from tests.support.commands import run_here
from tests.support.media import write_clip

pytestmark = pytest.mark.needs_onnxruntime


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", ["./0", "7", "10:20:30.mp4", "a=b [1].mp4", "./-x.mp4", "a!b.mp4"])
def test_a_file_of_any_name_is_scored(here, name, capsys):
    (here / "in").mkdir()
    write_clip(here / "in" / "a.mp4", count=3, audio="aac").rename(here / "in" / name)
    os.chdir("in")
    source = here / "in" / name if name == "7" else name
    code, _, err = run_here(
        capsys, "video", source, "--csv", here / "o.csv", "--out", here / "o.mp4"
    )
    assert code == 0, err
    assert record(here / "o.run.json")["audio"] == "copied aac"
    assert len((here / "o.csv").read_text().splitlines()) == 4


def test_a_closed_folder_and_other_files_are_in_line_and_record(here, capsys, monkeypatch):
    (here / "tree" / "closed").mkdir(parents=True)
    write_clip(here / "tree" / "a.mp4", count=2)
    (here / "tree" / "b.heic").touch()
    scan = os.scandir

    def refused(place):
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", place)
        return scan(place)

    monkeypatch.setattr(os, "scandir", refused)
    line = (
        "left out: 1 folder that cannot be opened (tree/closed: Permission denied), "
        "1 other file (1 .heic)"
    )
    code, _, err = run_here(capsys, "video", "tree", "--csv", "o.csv")
    assert code == 0
    assert f"rtau: {line}\n" in err
    assert line in record(here / "o.run.json")["notes"]

    code, _, err = run_here(capsys, "video", "tree", "--out-dir", "out", "--write", "csv")
    assert code == 0
    assert f"rtau: {line}\n" in err
    assert "1 of 1 sources done, 1 folder not entered, " in err
    assert record(here / "out" / "batch.json")["left_out"] == {
        "closed": ["tree/closed: Permission denied"],
        "broken": [],
        "suffixes": {".heic": 1},
        "hidden": 0,
    }


def test_pages_and_images_that_cannot_be_read_are_in_line_and_record(here, capsys):
    pages = [Image.fromarray(np.full((48, 64, 3), 20 * k, np.uint8)) for k in range(3)]
    (here / "in").mkdir()
    pages[0].save("in/a.tif", save_all=True, append_images=pages[1:])
    (here / "in" / "b.png").write_bytes(b"text")
    code, _, err = run_here(capsys, "image", "in", "--csv", "o.csv")
    assert code == 0
    notes = record(here / "o.run.json")["notes"]
    assert notes[0].startswith("1 file could not be read: in/b.png: not an image that can be read")
    assert notes[1] == "only the first picture was scored of 1 file: in/a.tif (3 pages)"
    assert all(note in err for note in notes)


@pytest.mark.parametrize(
    ("suffix", "pages", "words"),
    [
        (".png", 1, "a.png is an image; score it with `rtau image a.png`"),
        (".webp", 3, "a.webp is an animated WebP, which FFmpeg does not decode; convert it to mp4"),
    ],
)
def test_an_image_is_no_video(here, suffix, pages, words, capsys):
    frames = [Image.fromarray(np.full((48, 64, 3), 20 * k, np.uint8)) for k in range(pages)]
    frames[0].save(f"a{suffix}", save_all=pages > 1, append_images=frames[1:])
    for outputs in (("--csv", "o.csv"), ("--out-dir", "out")):
        code, _, err = run_here(capsys, "video", f"a{suffix}", *outputs)
        assert code == 2
        assert words in err
        assert err.count("\n") == 1


def test_an_animated_png_is_a_video(here, capsys):
    frames = [Image.fromarray(np.full((48, 64, 3), 20 * k, np.uint8)) for k in range(3)]
    frames[0].save("a.png", save_all=True, append_images=frames[1:], duration=40)
    assert run_here(capsys, "video", "a.png", "--csv", "o.csv")[0] == 0
    assert len((here / "o.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    "words",
    [
        ("video", "a.mp4", "--csv", "ring"),
        ("video", "a.mp4", "--csv", "ring/o.csv"),
        ("video", "a.mp4", "--out-dir", "ring"),
        ("video", "a.mp4", "--out-dir", "ring/deep"),
        ("video", "ring", "--csv", "o.csv"),
        ("video", "a.mp4", "--faces", "ring", "--csv", "o.csv"),
        ("video", "a.mp4", "--config", "ring", "--csv", "o.csv"),
        ("video", "a.mp4", "--model", "ring", "--csv", "o.csv"),
        ("image", "ring", "--csv", "o.csv"),
        ("image", "a.png", "--out-dir", "ring"),
    ],
)
def test_links_in_a_ring_are_one_line(here, words, capsys):
    write_clip(here / "a.mp4", count=2)
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save("a.png")
    (here / "ring").symlink_to("ring")
    code, _, err = run_here(capsys, *words)
    assert code in (1, 2)
    assert err.count("\n") == 1, err
    assert "ring" in err
    assert sorted(path.name for path in here.iterdir()) == ["a.mp4", "a.png", "ring"]
