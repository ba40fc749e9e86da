"""What an import costs, asked of fresh interpreters; who may import whom is in setup.cfg."""

import json
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

HEAVY = ("torch", "torchvision", "tensorrt", "onnxruntime", "onnx", "cv2", "av", "rich", "numpy")
HEAVY += ("importlib.metadata",)  # 40 ms
SHOW_LOADED = "import sys, json; print(json.dumps([m for m in {names!r} if m in sys.modules]))"
HELP = """
import contextlib, io
from rtau.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main({arguments!r})
"""
USE_EVERY_NAME = """
import rtau
for name in rtau.__all__:
    getattr(rtau, name)
print(dir(rtau) == sorted(rtau.__all__))
"""


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def loaded_after(code):
    done = python("-c", code + "\n" + SHOW_LOADED.format(names=HEAVY))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_rtau_imports_nothing_heavy():
    assert loaded_after("import rtau") == []


@pytest.mark.parametrize("arguments", [["--help"], ["video", "--help"], ["--version"]], ids=str)
def test_a_help_text_imports_nothing_heavy(arguments):
    assert loaded_after(HELP.format(arguments=arguments)) == []


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("rtau.pipeline", ("torch", "onnxruntime", "av", "rich")),
        ("rtau.backends", ("torch", "onnxruntime", "cv2", "av", "rich")),
        ("rtau.decisions", ("torch", "onnxruntime", "cv2", "av", "rich")),
        ("rtau.contract", ("torch", "onnxruntime", "cv2", "av", "rich", "onnx")),
    ],
)
def test_the_middle_of_the_pipeline_stays_light(module, without):
    assert not set(loaded_after(f"import {module}")) & set(without)


def test_python_dash_m_is_the_command_line():
    done = python("-m", "rtau", "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: rtau")


def test_every_public_name_is_there_and_dir_lists_it():
    done = python("-c", USE_EVERY_NAME)
    assert done.stdout.strip() == "True", done.stderr
