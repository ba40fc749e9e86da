"""Files, folders and patterns: which files they mean, and in which order."""

import os
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
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_means_its_videos_and_those_below(tree):
    found = [str(path.relative_to(tree)) for path in expand_videos([tree])]
    assert found == ["[1].mp4", "b/a.webm", "b/deep/c.mkv", "clip2.MOV", "clip10.mp4"]


def test_a_folder_means_its_images(tree):
    found = [str(path.relative_to(tree)) for path in expand_images([str(tree)])]
    assert found == ["b/portrait.PNG", "face.jpg"]


def test_patterns(tree):
    assert list(map(str, expand_videos(["*.mp4"]))) == ["[1].mp4", "clip10.mp4"]
    assert list(map(str, expand_videos(["clip*"]))) == ["clip2.MOV", "clip10.mp4"]
    assert list(map(str, expand_videos(["b/**/*.mkv"]))) == ["b/deep/c.mkv"]
    assert len(expand_videos([f"{tree}/*.mp4"])) == 2


def test_a_name_with_brackets_is_itself_first(tree):
    assert list(map(str, expand_videos(["[1].mp4"]))) == ["[1].mp4"]


def test_a_file_is_taken_whatever_its_suffix(tree):
    assert list(map(str, expand_videos(["notes.txt"]))) == ["notes.txt"]


def test_the_order_is_the_users_and_nothing_comes_twice(tree):
    found = expand_videos(["clip10.mp4", "b", "*.mp4", tree / "clip2.MOV", "clip2.MOV"])
    names = [os.path.relpath(path, tree) for path in found]
    assert names == ["clip10.mp4", "b/a.webm", "b/deep/c.mkv", "[1].mp4", "clip2.MOV"]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("empty", "empty: the folder (and those below it) has no video; looked for .3gp .avi"),
        ("*.mkv", "*.mkv: the pattern matches no video; looked for "),
        ("missing.mp4", "missing.mp4: there is no such file or folder; check the path"),
    ],
)
def test_nothing_there_is_named(tree, target, text):
    with pytest.raises(SourceOpenError) as caught:
        expand_videos([target])
    assert str(caught.value).startswith(text)


def test_no_path_means_no_file():
    assert expand_videos([]) == []


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("b", "b"),
        (".", "."),
        ("*.mp4", "."),
        ("b/*/c.mkv", "b"),
        ("b/**/*.mkv", "b"),
        ("b/deep/*", "b/deep"),
        ("clip10.mp4", None),
        ("[1].mp4", None),
        ("missing", None),
    ],
)
def test_folders_and_patterns_have_a_tree_and_files_have_none(tree, name, folder):
    assert tree_of(name) == (None if folder is None else Path(folder))


def test_every_match_of_a_pattern_lies_below_its_folder(tree):
    for pattern in ("*.mp4", "b/*/*.mkv", f"{tree}/*/a.webm"):
        for file in expand_videos([pattern]):
            assert tree_of(pattern) in file.parents
