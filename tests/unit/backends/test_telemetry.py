"""ONNX Runtime is loaded by rtau with its reports to Microsoft turned off."""

import os
import subprocess
import sys

import pytest

from rtau.backends import TELEMETRY
from tests.support.commands import ROOT

WATCH = """
import builtins, importlib, os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print(os.environ.get(sys.argv[2]))
            raise SystemExit
sys.meta_path.insert(0, Watch())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("module", "given", "wanted"),
    [
        ("rtau.backends.onnx", None, "1"),
        ("rtau.backends.onnx", "0", "0"),
        pytest.param("rtau_export.int8", None, "1", marks=pytest.mark.needs_onnx),
        pytest.param("rtau_export._second_moments", None, "1", marks=pytest.mark.needs_onnx),
    ],
)
def test_telemetry_is_off_before_onnx_runtime_is_loaded(module, given, wanted):
    """What somebody has set is kept."""
    env = {name: value for name, value in os.environ.items() if name != TELEMETRY}
    done = subprocess.run(
        [sys.executable, "-c", WATCH, module, TELEMETRY],
        cwd=ROOT,
        env={**env, "PYTHONPATH": ".:train:export"} | ({} if given is None else {TELEMETRY: given}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == wanted, done.stderr
