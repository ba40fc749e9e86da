"""Files, folders and patterns: which files they mean, and in which order."""

import os
import shutil
from pathlib import Path

import pytest

from rtau.errors import SourceOpenError
from rtau.sources import expand_images, expand_videos, tree_of


@pytest.fixture
def tree(tmp_path, monkeypatch):
    names = [
        "clip10.mp4", "clip2.MOV", "notes.txt", "face.jpg", ".hidden.mp4",
        "b/deep/c.mkv", "b/a.webm", "b/.cache/x.mp4", "b/portrait.PNG", "[1].mp4",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "a[1]").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_means_its_videos_and_those_below(tree):
    found = [str(path.relative_to(tree)) for path in expand_videos([tree]).files]
    assert found == ["[1].mp4", "b/a.webm", "b/deep/c.mkv", "clip2.MOV", "clip10.mp4"]


def test_a_folder_means_its_images(tree):
    found = [str(path.relative_to(tree)) for path in expand_images([str(tree)]).files]
    assert found == ["b/portrait.PNG", "face.jpg"]


def test_patterns(tree):
    assert list(map(str, expand_videos(["*.mp4"]).files)) == ["[1].mp4", "clip10.mp4"]
    assert list(map(str, expand_videos(["clip*"]).files)) == ["clip2.MOV", "clip10.mp4"]
    assert list(map(str, expand_videos(["b/**/*.mkv"]).files)) == ["b/deep/c.mkv"]
    assert len(expand_videos([f"{tree}/*.mp4"]).files) == 2


def test_a_name_with_brackets_is_itself_first(tree):
    assert list(map(str, expand_videos(["[1].mp4"]).files)) == ["[1].mp4"]


def test_a_file_is_taken_whatever_its_suffix(tree):
    assert list(map(str, expand_videos(["notes.txt"]).files)) == ["notes.txt"]


def test_the_order_is_the_users_and_nothing_comes_twice(tree):
    found = expand_videos(["clip10.mp4", "b", "*.mp4", tree / "clip2.MOV", "clip2.MOV"]).files
    names = [os.path.relpath(path, tree) for path in found]
    assert names == ["clip10.mp4", "b/a.webm", "b/deep/c.mkv", "[1].mp4", "clip2.MOV"]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("empty", "empty: the folder (and those below it) has no video; looked for .264 .265 "),
        ("*.mkv", "*.mkv: the pattern matches no video; looked for "),
        ("missing.mp4", "missing.mp4: there is no such file or folder; check the path"),
    ],
)
def test_nothing_there_is_named(tree, target, text):
    with pytest.raises(SourceOpenError) as caught:
        expand_videos([target])
    assert str(caught.value).startswith(text)


def test_what_is_beside_the_videos_is_counted(tree):
    left_out = expand_videos([tree]).left_out
    assert left_out.suffixes == {".jpg": 1, ".png": 1, ".txt": 1}
    assert left_out.hidden == 2
    assert str(left_out) == "left out: 3 other files (1 .jpg, 1 .png, 1 .txt), 2 hidden files"
    assert str(expand_videos(["clip10.mp4", "*.mp4"]).left_out) == ""


def test_suffixes_of_recorders_are_taken(tmp_path):
    names = [
        "a.3g2",
        "b.asf",
        "c.DIVX",
        "d.dv",
        "e.f4v",
        "f.m2t",
        "g.m2v",
        "h.MOD",
        "i.mpe",
        "k.ogm",
        "l.qt",
        "m.tod",
        "n.y4m",
    ]
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in expand_videos([tmp_path]).files] == names


@pytest.mark.parametrize("name", ["", "*/*.mkv", "**/*.mkv", "[be]*/*.mkv"])
def test_a_closed_folder_is_named(tree, name, monkeypatch):
    scan = os.scandir

    def refused(place):
        if str(place).endswith("/b"):
            raise PermissionError(13, "Permission denied", place)
        return scan(place)

    monkeypatch.setattr(os, "scandir", refused)
    shutil.copy("clip10.mp4", "empty/d.mkv")
    found = expand_videos([tree / name])
    assert found.files == [tree / "empty" / "d.mkv"] or not name
    text = str(found.left_out)
    assert f"1 folder that cannot be opened ({tree / 'b'}: Permission denied)" in text


def test_links_to_folders_are_followed_once_and_rings_end(tree):
    (tree / "linked").symlink_to(tree / "b")
    (tree / "ring").symlink_to(tree)
    (tree / "b" / "up").symlink_to(tree)
    (tree / "b" / "z.mp4").symlink_to("z.mp4")
    (tree / "gone.mp4").symlink_to("nothing")
    for name in (tree, tree / "**/*.m*"):
        found = expand_videos([name])
        names = [str(path.relative_to(tree)) for path in found.files]
        assert "b/deep/c.mkv" in names
        assert len(set(names)) == len(names)
        assert not any(name.startswith(("linked", "ring")) for name in names)
        assert found.left_out.broken == (str(tree / "gone.mp4"), str(tree / "b" / "z.mp4"))


def test_a_linked_folder_outside_is_followed(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.mp4").touch()
    (tree / "link").symlink_to(outside)
    assert tree / "link" / "far.mp4" in expand_videos([tree]).files


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("day [1]/*.mp4", ["day [1]/mine.mp4"]),
        ("day [1]/[a]/*.mp4", ["day [1]/[a]/deep.mp4"]),
        ("day [1]/**/*.mp4", ["day [1]/[a]/deep.mp4", "day [1]/mine.mp4"]),
        ("day [12]/*.mp4", ["day 1/other.mp4"]),
        ("day ?/*.mp4", ["day 1/other.mp4"]),
    ],
)
def test_folders_that_exist_stand_for_themselves(tmp_path, monkeypatch, pattern, names):
    for name in ("day [1]/mine.mp4", "day [1]/[a]/deep.mp4", "day 1/other.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert list(map(str, expand_videos([pattern]).files)) == names


def test_a_name_below_a_folder_with_brackets_is_no_pattern(tmp_path):
    (tmp_path / "a[1]").mkdir()
    with pytest.raises(SourceOpenError, match="there is no such file or folder"):
        expand_videos([tmp_path / "a[1]" / "no.mp4"])


def test_no_path_means_no_file():
    assert expand_videos([]).files == []


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("b", "b"),
        (".", "."),
        ("*.mp4", "."),
        ("b/*/c.mkv", "b"),
        ("b/**/*.mkv", "b"),
        ("b/deep/*", "b/deep"),
        ("a[1]/*", "a[1]"),
        ("clip10.mp4", None),
        ("[1].mp4", None),
        ("missing", None),
    ],
)
def test_folders_and_patterns_have_a_tree_and_files_have_none(tree, name, folder):
    assert tree_of(name) == (None if folder is None else Path(folder))


def test_every_match_of_a_pattern_lies_below_its_folder(tree):
    for pattern in ("*.mp4", "b/*/*.mkv", f"{tree}/*/a.webm"):
        for file in expand_videos([pattern]).files:
            assert tree_of(pattern) in file.parents
