"""What every test of rtau shares: which optional parts this machine has, and what no test leaves.

A mark such as `needs_torch` skips its test, with the reason, where the part is missing; this is
the only place that decides. With RTAU_FAIL_WITHOUT_GPU=1 a missing part fails the test instead:
a GPU job must not pass by skipping.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.util
import logging
import os
import random
import shutil
import sys
import threading
import time
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from rtau.errors import BackendUnavailable
from rtau_train.synth.gpu import SYSTEM_PACKAGES, open_context

# A thread that was told to stop may need a moment to be gone.
THREAD_GRACE_S = 2.0
# Time never fails a test: machines are busy. Continuous integration draws the same examples always.
hypothesis.settings.register_profile(
    "rtau",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("rtau")

# torch's exporter draws a tqdm bar, whose monitor is a thread that outlives the test that happens
# to export first; with an interval of 0 there is none.
if importlib.util.find_spec("tqdm") is not None:
    importlib.import_module("tqdm").tqdm.monitor_interval = 0

# Tests of these packages import torch when they are collected.
TORCH_TESTS = ("rtau_train", "rtau_export", "parity")


def _importable(*modules: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in modules)


@functools.cache
def _gpu_found() -> bool:
    """True when the NVIDIA driver is loaded and counts at least one device; imports no library."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 < count.value


@functools.cache
def _egl_opens() -> bool:
    """True when OpenGL can be opened without a display."""
    if not _importable("moderngl"):
        return False
    try:
        open_context().release()
    except BackendUnavailable:
        return False
    return True


# Mark -> (is it here, what to say when it is not).
NEEDS = {
    "needs_gpu": (_gpu_found, "no NVIDIA GPU or no driver on this machine"),
    "needs_openvino": (
        functools.partial(_importable, "openvino"),
        "openvino is not installed (pip install 'rtau[openvino]')",
    ),
    "needs_tensorrt": (
        functools.partial(_importable, "tensorrt"),
        "tensorrt is not installed (pip install 'rtau[tensorrt]')",
    ),
    "needs_tensorrt_rtx": (
        functools.partial(_importable, "tensorrt_rtx"),
        "tensorrt_rtx is not installed (pip install 'rtau[tensorrt-rtx]')",
    ),
    "needs_onnxruntime": (
        functools.partial(_importable, "onnxruntime"),
        "onnxruntime is not installed (pip install 'rtau[cpu]')",
    ),
    "needs_torch": (
        functools.partial(_importable, "torch", "torchvision"),
        "torch is not installed (pip install 'rtau[train]')",
    ),
    "needs_egl": (
        _egl_opens,
        f"no moderngl or no EGL (pip install 'rtau[synth]'; {SYSTEM_PACKAGES})",
    ),
    "needs_browser": (
        lambda: (
            _importable("selenium", "websockets")
            and all(shutil.which(program) for program in ("chromium", "chromedriver"))
        ),
        "no chromium with chromedriver, or no selenium and websockets (pip install 'rtau[dev]')",
    ),
    "needs_synth_assets": (
        lambda: "RTAU_SYNTH_ASSETS" in os.environ,
        "RTAU_SYNTH_ASSETS names no asset folder (docs/synth.md)",
    ),
    "needs_ray": (
        functools.partial(_importable, "ray"),
        "ray is not installed (pip install 'rtau[ray]')",
    ),
    "needs_onnx": (
        functools.partial(_importable, "onnx"),
        "onnx is not installed (pip install 'rtau[export]')",
    ),
    "needs_pyarrow": (
        functools.partial(_importable, "pandas", "pyarrow"),
        "pandas or pyarrow is not installed (pip install 'rtau[table]')",
    ),
    "needs_grad_cam": (
        functools.partial(_importable, "pytorch_grad_cam", "ttach", "sklearn", "matplotlib"),
        # With its dependencies it brings opencv-python-headless, which overwrites opencv-python.
        "grad-cam is not installed (pip install --no-deps grad-cam ttach)",
    ),
}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out the folders whose modules import torch, where there is none."""
    if collection_path.name in TORCH_TESTS and not _importable("torch", "torchvision"):
        return True
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, (is_here, reason) in NEEDS.items():
        if item.get_closest_marker(mark) is None or is_here():
            continue
        if os.environ.get("RTAU_FAIL_WITHOUT_GPU") == "1":
            pytest.fail(f"{mark}: {reason}, and RTAU_FAIL_WITHOUT_GPU=1 forbids skipping")
        pytest.skip(reason)


@pytest.fixture(autouse=True)
def no_error_log(caplog):
    """Nothing logs an ERROR unnoticed; a test that provokes one calls `caplog.clear()`."""
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not errors, f"logged as ERROR: {[record.getMessage() for record in errors]}"


@pytest.fixture(autouse=True)
def no_worker_of_pytest(monkeypatch):
    """A pytest that a test starts takes itself for no worker of this one, which may not measure."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


@pytest.fixture(autouse=True)
def random_state_restored():
    """No test changes the luck of the next one."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is what leaks
    torch = sys.modules.get("torch")
    torch_state = None if torch is None else torch.random.get_rng_state()
    yield
    random.setstate(python_state)
    np.random.set_state(numpy_state)  # noqa: NPY002 - as above
    if torch is not None:
        torch.random.set_rng_state(torch_state)


@pytest.fixture(autouse=True)
def no_leaked_threads():
    """Every thread a test starts is gone when it ends."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREAD_GRACE_S
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left running: {sorted(thread.name for thread in left)}"
