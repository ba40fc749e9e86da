"""setup.cfg says what the tree says, and the wheel would hold all of it and nothing else."""

import configparser
import re

import pytest

import rtau
from tests.architecture.tree import FILES, ROOT

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
    assert brought == [f"{wheel}>=4.10,<5"]


@pytest.mark.parametrize("line", lines("options.entry_points", "console_scripts"))
def test_every_console_script_leads_to_a_function(line):
    command, target = (part.strip() for part in line.split("="))
    module, function = target.split(":")
    package, *rest = module.split(".")
    path = ROOT.joinpath(FOLDERS[package], *rest).with_suffix(".py")
    assert f"def {function}(" in path.read_text(encoding="utf-8"), command


def test_the_changelog_names_this_version():
    assert f"## [{rtau.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_cascade_and_the_models_travel_in_the_wheel():
    package_data = CONFIG["options.package_data"]
    assert {"*.onnx", "*.json", "*.md"} <= set(package_data["rtau_engines"].split())
    assert "data/*" in package_data["rtau.faces.detectors"].split()
    assert "py.typed" in package_data["rtau"].split()
