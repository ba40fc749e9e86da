"""No module needs a POSIX system: all do without what Windows lacks, as far as Linux can tell."""

import shutil
import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

# What Windows has not: modules, and names of `os` and `signal` (POSIX multiprocessing has SIGKILL).
WITHOUT = """
import contextlib, importlib, os, pkgutil, signal, sys, types
# The libraries of this machine are made for POSIX, so they are loaded first.
for name in ("asyncio", "av", "cv2", "multiprocessing", "numpy", "onnxruntime", "rich.live"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "pthread_sigmask", "SIG_BLOCK"):
    delattr(signal, name)
for name in ("sched_getaffinity", "fork", "getuid", "geteuid", "getloadavg", "statvfs", "getpgrp"):
    delattr(os, name)
held = {}
def inode(number):
    with contextlib.suppress(OSError):
        return os.fstat(number).st_ino
def locking(number, how, count):
    # A lock ends with its file; the system gives the numbers of both away again.
    key = inode(number)
    if held.get(key, number) != number and inode(held[key]) == key:
        raise PermissionError(13, "Permission denied")
    held[key] = number
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
"""
IMPORT_ALL = """
import rtau
optional = ("cuda", "onnxruntime", "openvino", "pylsl", "pythonosc", "tensorrt", "websockets")
for module in pkgutil.walk_packages(rtau.__path__, "rtau."):
    if module.name not in ("rtau.__main__", "rtau.runs.batch._ray_pool"):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name.partition(".")[0] not in optional:
                raise
"""
RUN = """
from rtau.cli.main import main
from rtau.errors import UsageError
from rtau.sinks import FileLock
from pathlib import Path
target = Path(sys.argv[1])
assert main(["image", "examples/portraits/f032.jpg", "--csv", sys.argv[1]]) == 0
assert main(["summary", sys.argv[1], "--out", sys.argv[1] + ".summary.csv"]) == 0
batch = ["--jobs", "2", "--write", "csv", "--max-frames", "2"]
assert main(["video", "examples/one_face.mp4", sys.argv[2], "--out-dir", sys.argv[3], *batch]) == 0
held_by_us = FileLock(target.with_suffix(".mp4"))
try:
    FileLock(target.with_suffix(".mp4"))
except UsageError as error:
    assert "is being written by another run" in str(error)
else:
    raise AssertionError("a second run took the lock of the first")
"""


def run_without(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr


def test_every_module_is_imported_without_posix():
    run_without(IMPORT_ALL)


@pytest.mark.needs_onnxruntime
def test_images_and_a_batch_are_scored_without_posix(tmp_path):
    shutil.copy(ROOT / "examples/one_face.mp4", tmp_path / "again.mp4")
    run_without(RUN, tmp_path / "o.csv", tmp_path / "again.mp4", tmp_path / "batch")
    assert (tmp_path / "o.csv.summary.csv").stat().st_size > 0
    assert len(list((tmp_path / "batch").rglob("*.csv"))) == 2
