import ctypes
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from rtau.cli import system_libraries

SCRIPT = Path(system_libraries.__file__)


@pytest.fixture
def bare_machine(monkeypatch):
    """A machine on which the dynamic linker finds nothing and no test program is installed."""

    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(system_libraries.shutil, "which", lambda program: None)


def installed(monkeypatch, *wheels):
    """Makes these the only wheels of OpenCV that are installed."""

    def version(name):
        if name not in wheels:
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.12"

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_bare_machine_gets_the_opencv_without_windows_and_is_told_of_the_other(
    bare_machine, capsys, monkeypatch
):
    installed(monkeypatch)
    assert system_libraries.main(["--extra"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "cpu-headless\n"
    assert printed.err.count("\n") == 1
    assert "without libGL.so.1 and libgthread-2.0.so.0 OpenCV has no windows" in printed.err
    assert "sudo apt-get update && sudo apt-get install -y libgl1 libglib2.0-0" in printed.err


@pytest.mark.parametrize(
    ("wheels", "extra"),
    [
        ([], "cpu"),
        (["opencv-python-headless"], "cpu-headless"),
        (["opencv-python"], "cpu"),
    ],
)
def test_a_second_opencv_is_never_put_over_the_one_that_is_there(
    wheels, extra, capsys, monkeypatch
):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    installed(monkeypatch, *wheels)
    assert system_libraries.main(["--extra"]) == 0
    assert capsys.readouterr() == (f"{extra}\n", "")


def test_programs_that_only_tests_use_are_named_for_tests_only(bare_machine, capsys):
    assert system_libraries.main([]) == 0
    assert capsys.readouterr().err == ""
    assert system_libraries.main(["--tests"]) == 0
    assert "sudo apt-get install -y xvfb" in capsys.readouterr().err


def test_the_packages_are_printed_for_a_script(bare_machine, capsys):
    assert system_libraries.main(["--packages"]) == 0
    assert capsys.readouterr().out == "libgl1 libglib2.0-0 xvfb\n"


def test_a_failed_import_of_opencv_names_every_missing_library(bare_machine):
    error = ImportError("libGL.so.1: cannot open shared object file", name="cv2")
    line = system_libraries.explain_import_error(error)
    assert "libGL.so.1 and libgthread-2.0.so.0" in line
    assert "pip install 'opencv-python-headless>=4.13,<5'" in line
    assert "\n" not in line


def test_a_missing_opencv_is_the_one_this_machine_can_load(bare_machine):
    error = ModuleNotFoundError("No module named 'cv2'", name="cv2")
    line = system_libraries.explain_import_error(error)
    assert line.endswith("run: pip install 'opencv-python-headless>=4.13,<5'")


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (ModuleNotFoundError("No module named 'av'", name="av"), "the Python module 'av' is not"),
        (ModuleNotFoundError("no", name="rich.table"), "the Python module 'rich' is not"),
        (
            ImportError("libfoo.so.9: no such file\nlong story", name="cv2"),
            "the Python module 'cv2' cannot be loaded (libfoo.so.9: no such file); run: pip",
        ),
    ],
)
def test_a_broken_base_library_is_one_line_with_the_command(error, start):
    line = system_libraries.explain_import_error(error)
    assert line.startswith(start)
    assert "\n" not in line


@pytest.mark.parametrize(
    "error",
    [ImportError("cannot import name 'x'", name="rtau.data"), ImportError("anything")],
)
def test_a_bug_is_not_explained_as_a_missing_library(error):
    assert system_libraries.explain_import_error(error) is None


def test_it_runs_as_a_file_before_anything_is_installed():
    """Isolated (-I) and without site-packages (-S): the standard library must be enough."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), "--tests"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
