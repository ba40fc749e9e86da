"""setup.cfg says what the tree says, and the wheel would hold all of it and nothing else."""

import configparser
import io
import re
import tarfile
from pathlib import Path

import pytest

import rtau
from tests.architecture.tree import FILES, ROOT
from tools import repack_sdist

CONFIG = configparser.RawConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
FOLDERS = {"rtau": "rtau", "rtau_train": "train/rtau_train", "rtau_export": "export/rtau_export"}
BACKEND_EXTRAS = {
    "cpu",
    "cpu-headless",
    "gpu",
    "gpu-headless",
    "openvino",
    "tensorrt",
    "tensorrt-rtx",
}
EXTRAS = BACKEND_EXTRAS | {
    *("train", "synth", "export", "precision", "table", "parquet", "plot", "live", "ray"),
    "bench",
    *("test", "dev", "all"),
}


def lines(section, key):
    return [line.strip() for line in CONFIG[section][key].splitlines() if line.strip()]


def test_every_package_of_the_tree_is_listed():
    found = {"rtau_engines"}
    for package, folder in FOLDERS.items():
        for path in FILES:
            if path.name == "__init__.py" and path.is_relative_to(ROOT / folder):
                parts = path.parent.relative_to(ROOT / folder).parts
                found.add(".".join((package, *parts)))
    assert set(lines("options", "packages")) == found


def test_pyproject_holds_the_build_system_and_nothing_else():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^\[(.+)\]$", text, flags=re.MULTILINE) == ["build-system"]


def test_the_extras_are_those_the_documents_promise():
    assert set(CONFIG["options.extras_require"]) == EXTRAS


def test_the_runtime_needs_no_training_library():
    needed = " ".join(lines("options", "install_requires") + lines("options.extras_require", "cpu"))
    assert not re.search(r"\b(torch|torchvision|onnx|tensorrt)\b", needed)


@pytest.mark.parametrize("extra", ["cpu", "cpu-headless", "gpu", "gpu-headless"])
def test_each_backend_brings_one_opencv_below_5(extra):
    wheel = "opencv-python-headless" if extra.endswith("headless") else "opencv-python"
    assert not [line for line in lines("options", "install_requires") if "opencv" in line]
    brought = [line for line in lines("options.extras_require", extra) if "opencv" in line]
    assert brought == [f"{wheel}>=4.13,<5"]


@pytest.mark.parametrize("line", lines("options.entry_points", "console_scripts"))
def test_every_console_script_leads_to_a_function(line):
    command, target = (part.strip() for part in line.split("="))
    module, function = target.split(":")
    package, *rest = module.split(".")
    path = ROOT.joinpath(FOLDERS[package], *rest).with_suffix(".py")
    assert f"def {function}(" in path.read_text(encoding="utf-8"), command


def test_the_changelog_names_this_version():
    assert f"## [{rtau.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_file_of_a_package_travels_in_the_wheel():
    """Models, the cascade, pages, templates, tables: nothing that a package holds stays behind."""
    data = CONFIG["options.package_data"]
    left = []
    for package, folder in {**FOLDERS, "rtau_engines": "engines"}.items():
        inside = [path for path in FILES if path.is_relative_to(ROOT / folder)]
        for path in inside:
            parts = path.relative_to(ROOT / folder).parts
            held = path.suffix == ".py" or any(
                Path(*parts[k:]).match(pattern)
                for k in range(len(parts))
                for pattern in data.get(".".join((package, *parts[:k])), "").split()
            )
            if not held:
                left.append(str(path.relative_to(ROOT)))
    assert left == []
    assert {"LICENSE", "THIRD_PARTY_NOTICES.md"} <= set(lines("metadata", "license_files"))


def test_two_builds_of_an_sdist_have_the_same_bytes():
    def packed(mtime):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz") as tar:
            for name in sorted("ab", reverse=mtime > 1):
                one = tarfile.TarInfo(name)
                one.size, one.mtime, one.uname = 1, mtime, f"user{mtime}"
                tar.addfile(one, io.BytesIO(b"x"))
        return raw.getvalue()

    first, second = (repack_sdist.repacked(packed(mtime), time_s=9) for mtime in (1, 2))
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert [(one.name, one.mtime, one.uname) for one in tar] == [("a", 9, ""), ("b", 9, "")]
