"""Whose messages stand on standard error: rtau's own, and with --verbose those of the libraries."""

import logging
import os
import sys

import pytest

from rtau.backends._onnx_messages import FATAL_ONLY, WARNINGS, loading, log_severity
from rtau.runs.log import OPENCV_LEVEL, VERBOSE, choose_messages, log_to_stderr
from tests.support.commands import run_here


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv(VERBOSE, "")
    monkeypatch.delenv(OPENCV_LEVEL, raising=False)
    yield
    os.environ.pop(OPENCV_LEVEL, None)
    logging.getLogger("rtau").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("verbose", "opencv", "onnxruntime"),
    [(False, "SILENT", FATAL_ONLY), (True, "WARNING", WARNINGS)],
)
def test_libraries_are_silent_unless_asked(verbose, opencv, onnxruntime):
    choose_messages(verbose=verbose)
    log_to_stderr()
    assert os.environ[OPENCV_LEVEL] == opencv
    assert log_severity() == onnxruntime


@pytest.mark.parametrize(
    ("verbose", "printed"),
    [(False, "another line\n"), (True, "Error in cpuinfo: no /sys\nanother line\n")],
)
def test_what_onnx_runtime_prints_of_the_processor_is_for_the_verbose(
    verbose, printed, monkeypatch, capfd
):
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    choose_messages(verbose=verbose)
    log_to_stderr()
    with loading():
        os.write(2, b"Error in cpuinfo: no /sys\nanother line\n")
    assert capfd.readouterr().err == printed


def test_a_level_that_is_set_is_kept(monkeypatch):
    monkeypatch.setenv(OPENCV_LEVEL, "DEBUG")
    choose_messages(verbose=False)
    assert os.environ[OPENCV_LEVEL] == "DEBUG"


@pytest.mark.parametrize("verb", ["video", "webcam", "image", "inspect", "doctor", "bench"])
def test_every_verb_takes_the_flag(verb, capsys):
    code, out, _ = run_here(capsys, verb, "--help")
    assert code == 0
    assert "--verbose" in out
