"""What must not be in the repository: people's faces, private paths, names without a noun."""

import re

import pytest

from tests.architecture.tree import FILES, ROOT

TEXT_SUFFIXES = {".py", ".md", ".cfg", ".toml", ".sh", ".yaml", ".yml", ".json", ".txt", ""}
# Paths of one machine; written so that this file does not match itself.
PRIVATE_PATHS = re.compile(r"(?<![\w.])/(?:wor[k]|op[t]|home/\w+|Users/\w+)/\w")
NOUNLESS = {"utils", "util", "helpers", "common", "misc", "core"}
PICTURES = {".png", ".gif", ".svg", ".mp4", ".jpg", ".jpeg", ".heic", ".webp", ".tif", ".bmp"}
# Folder -> what its pictures show; a photograph of a person fits none of them.
PICTURE_FOLDERS = {
    "docs/images": "rtau's own output on renders",
    "docs/study": "heatmaps on rendered faces",
    "examples": "a rendered face",
    "tests/data/synth-facs": "rendered faces",
    "tests/golden": "drawings",
}
MAX_BYTES = 16 << 20


def relative(path):
    return str(path.relative_to(ROOT))


TEXTS = [path for path in FILES if path.suffix in TEXT_SUFFIXES and path.name != "LICENSE"]


def test_no_file_names_a_private_path():
    named = [
        f"{relative(path)}: {found.group()}"
        for path in TEXTS
        if (found := PRIVATE_PATHS.search(path.read_text(encoding="utf-8")))
    ]
    assert named == []


def test_pictures_lie_only_where_there_are_renders_and_drawings():
    pictures = [relative(path) for path in FILES if path.suffix.lower() in PICTURES]
    assert [name for name in pictures if not name.startswith(tuple(PICTURE_FOLDERS))] == []


def test_no_file_is_too_large_for_a_clone():
    assert [relative(path) for path in FILES if path.stat().st_size > MAX_BYTES] == []


def test_every_module_is_named_by_a_noun():
    names = [path for path in FILES if path.suffix == ".py"]
    assert [relative(p) for p in names if NOUNLESS & {p.stem, p.parent.name}] == []


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"])
def test_nothing_is_left_to_do(mark):
    found = [relative(p) for p in TEXTS if re.search(rf"\b{mark}\b", p.read_text(encoding="utf-8"))]
    assert found == []
