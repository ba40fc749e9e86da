"""The calls the CUDA module makes, on a double of cuda-bindings that keeps memory in numpy."""

import ctypes
import importlib
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from rtau.errors import BackendUnavailable, EngineError

SILENT_CALLS = (
    "cuInit",
    "cuCtxSetCurrent",
    "cuDevicePrimaryCtxRelease",
    "cuStreamSynchronize",
    "cuStreamDestroy",
    "cuStreamBeginCapture",
    "cuGraphLaunch",
    "cuGraphExecDestroy",
    "cuGraphDestroy",
)
SUCCESS, OUT_OF_MEMORY, NO_DEVICE = 0, 2, 100
ERROR_WORDS = {OUT_OF_MEMORY: b"out of memory", NO_DEVICE: b"no device"}
# Enumeration -> member -> value, as the bindings have them.
ENUMERATIONS = {
    "CUdevice_attribute": {
        "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR": 75,
        "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR": 76,
    },
    "CUstreamCaptureMode": {"CU_STREAM_CAPTURE_MODE_THREAD_LOCAL": 1},
    "CUstream_flags": {"CU_STREAM_NON_BLOCKING": 1},
}


class FakeDriver(types.ModuleType):
    """cuda.bindings.driver with one Orin; every call is noted, any may be told to fail."""

    def __init__(self):
        super().__init__("driver")
        self.calls, self.fail, self.memory, self.last = [], {}, {}, 10
        for name, members in ENUMERATIONS.items():
            setattr(self, name, types.SimpleNamespace(**members))
        for name, answer in self.answers().items():
            setattr(self, name, self.noted(name, answer))

    def answers(self):
        """Returns call -> what it returns beside its status."""
        nothing = dict.fromkeys(SILENT_CALLS, lambda *_: ())
        return nothing | {
            "cuDeviceGet": lambda ordinal: (ordinal,),
            "cuDeviceGetCount": lambda: (1,),
            "cuDeviceGetName": lambda length, _: (b"Orin".ljust(length, b"\0"),),
            "cuDeviceGetAttribute": lambda which, _: ({75: 8, 76: 7}[which],),
            "cuDriverGetVersion": lambda: (12060,),
            "cuGetErrorString": lambda error: (ERROR_WORDS[error],),
            "cuDevicePrimaryCtxRetain": self.fresh,
            "cuStreamCreate": self.fresh,
            "cuStreamEndCapture": self.fresh,
            "cuGraphInstantiate": self.fresh,
            "cuMemAlloc": self.allocate,
            "cuMemAllocHost": self.allocate,
            "cuMemFree": self.free,
            "cuMemFreeHost": self.free,
            "cuMemcpyHtoDAsync": self.copy,
            "cuMemcpyDtoHAsync": self.copy,
        }

    def noted(self, name, answer):
        def call(*arguments):
            self.calls.append(name)
            return (self.fail[name],) if name in self.fail else (SUCCESS, *answer(*arguments))

        call.__name__ = name
        return call

    def fresh(self, *_):
        self.last += 1
        return (self.last,)

    def allocate(self, size):
        buffer = ctypes.create_string_buffer(size)
        self.memory[ctypes.addressof(buffer)] = buffer
        return (ctypes.addressof(buffer),)

    def free(self, address):
        del self.memory[address]
        return ()

    def copy(self, to, source, size, _):
        ctypes.memmove(to, source, size)
        return ()


@pytest.fixture
def driver(monkeypatch):
    double = FakeDriver()
    bindings = types.ModuleType("cuda.bindings")
    bindings.driver = double
    monkeypatch.setitem(sys.modules, "cuda", types.ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)
    monkeypatch.delitem(sys.modules, "rtau.backends._cuda_driver", raising=False)
    return double


@pytest.fixture
def module(driver):
    found = importlib.import_module("rtau.backends._cuda_driver")
    yield found
    sys.modules.pop("rtau.backends._cuda_driver", None)


def test_the_gpu_and_the_driver_are_described(module):
    assert str(module.find_gpu()) == "Orin (sm_87)"
    assert module.driver_version() == "12.6"


def test_what_is_copied_in_comes_out(module):
    cuda = module.CudaDriver()
    there, here = cuda.allocate_pinned(64), cuda.allocate_pinned(64)
    there[:] = np.arange(64)
    address = cuda.allocate(64)
    cuda.copy_in(address, there[:32])
    cuda.copy_out(here[:32], address)
    np.testing.assert_array_equal(here[:32], np.arange(32))
    assert not here[32:].any()
    cuda.close()


def test_closing_frees_all_once_and_in_order(module, driver):
    cuda = module.CudaDriver()
    cuda.allocate(8)
    cuda.allocate_pinned(8)
    cuda.begin_capture()
    graph = cuda.end_capture()
    cuda.launch(graph)
    driver.calls.clear()
    cuda.close()
    cuda.close()
    assert driver.calls == [
        "cuCtxSetCurrent",
        "cuStreamSynchronize",
        "cuGraphExecDestroy",
        "cuGraphDestroy",
        "cuStreamDestroy",
        "cuMemFreeHost",
        "cuMemFree",
        "cuDevicePrimaryCtxRelease",
    ]
    assert driver.memory == {}


def test_a_gpu_that_fails_is_one_line_and_can_still_be_closed(module, driver):
    cuda = module.CudaDriver()
    driver.fail = {"cuMemAlloc": OUT_OF_MEMORY, "cuStreamSynchronize": OUT_OF_MEMORY}
    with pytest.raises(EngineError, match=r"failed in cuMemAlloc \(out of memory\)"):
        cuda.allocate(1 << 40)
    cuda.close()
    assert driver.calls[-1] == "cuDevicePrimaryCtxRelease"


def test_no_gpu_is_one_line_with_what_to_do(module, driver):
    driver.fail = {"cuInit": NO_DEVICE}
    with pytest.raises(BackendUnavailable, match=r"says no device; run `nvidia-smi`"):
        module.CudaDriver()


def test_no_driver_is_told_apart(module, driver):
    def missing(flags):
        raise RuntimeError("libcuda.so.1 not found")

    driver.cuInit = missing
    with pytest.raises(BackendUnavailable, match="no NVIDIA driver is installed"):
        module.find_gpu()


def test_the_real_bindings_have_every_call_and_every_constant():
    driver = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    assert [name for name in FakeDriver().answers() if not hasattr(driver, name)] == []
    for enumeration, members in ENUMERATIONS.items():
        for name, value in members.items():
            assert int(getattr(getattr(driver, enumeration), name)) == value


def test_the_real_bindings_say_in_one_line_that_there_is_no_gpu():
    pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    done = subprocess.run(
        [sys.executable, "-c", "from rtau.backends._cuda_driver import find_gpu; find_gpu()"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    last = done.stderr.splitlines()[-1]
    assert "BackendUnavailable: no NVIDIA GPU can be used on this machine" in last
