"""One GPU through the CUDA driver API: memory, a stream and graphs, all freed by `close`.

The only module that imports cuda-bindings. Every driver since CUDA 11.4 has these calls, so the
binding's version need not match the toolkit's.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
from cuda.bindings import driver

from rtau.backends.engine_file import Gpu
from rtau.errors import BackendUnavailable, EngineError

Bytes = npt.NDArray[np.uint8]

NAME_BYTES = 128


class CudaDriver:
    """The first GPU; `close` frees everything that was allocated, in reverse order."""

    def __init__(self) -> None:
        """Opens the primary context, which TensorRT and ONNX Runtime also use, and a stream.

        Raises:
            BackendUnavailable: there is no NVIDIA GPU, or no driver.
        """
        self._device_memory: list[Any] = []
        self._host_memory: list[int] = []
        self._graphs: dict[int, tuple[Any, Any]] = {}
        self._device = _first_device()
        self._gpu = _describe(self._device)
        self._context = _call(driver.cuDevicePrimaryCtxRetain, self._device)
        self._open = True
        self.activate()
        # On the default stream TensorRT would synchronise the device around each call.
        self._stream = _call(driver.cuStreamCreate, int(_flag("CU_STREAM_NON_BLOCKING")))

    @property
    def gpu(self) -> Gpu:
        """The GPU in use."""
        return self._gpu

    @property
    def stream(self) -> int:
        """Handle of the stream of all work."""
        return int(self._stream)

    def activate(self) -> None:
        """Makes the context current in the calling thread."""
        _call(driver.cuCtxSetCurrent, self._context)

    def allocate(self, size_bytes: int) -> int:
        """Allocates device memory and returns its address."""
        pointer = _call(driver.cuMemAlloc, size_bytes)
        self._device_memory.append(pointer)
        return int(pointer)

    def allocate_pinned(self, size_bytes: int) -> Bytes:
        """Allocates page-locked host memory, for asynchronous copies: uint8 (size_bytes,)."""
        address = int(_call(driver.cuMemAllocHost, size_bytes))
        self._host_memory.append(address)
        return np.ctypeslib.as_array((ctypes.c_uint8 * size_bytes).from_address(address))

    def copy_in(self, device: int, host: Bytes) -> None:
        """Queues a copy of pinned host memory to the device."""
        _call(driver.cuMemcpyHtoDAsync, device, host.ctypes.data, host.nbytes, self._stream)

    def copy_out(self, host: Bytes, device: int) -> None:
        """Queues a copy of device memory that fills pinned host memory."""
        _call(driver.cuMemcpyDtoHAsync, host.ctypes.data, device, host.nbytes, self._stream)

    def wait(self) -> None:
        """Returns when everything queued is done."""
        _call(driver.cuStreamSynchronize, self._stream)

    def begin_capture(self) -> None:
        """Starts to capture queued work into a graph instead of running it."""
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        _call(driver.cuStreamBeginCapture, self._stream, mode)

    def end_capture(self) -> int:
        """Returns the handle of the graph captured since `begin_capture`."""
        graph = _call(driver.cuStreamEndCapture, self._stream)
        executable = _call(driver.cuGraphInstantiate, graph, 0)
        self._graphs[int(executable)] = (executable, graph)
        return int(executable)

    def launch(self, graph: int) -> None:
        """Queues a graph."""
        _call(driver.cuGraphLaunch, self._graphs[graph][0], self._stream)

    def free_graph(self, graph: int) -> None:
        """Frees a graph."""
        executable, template = self._graphs.pop(graph)
        _call(driver.cuGraphExecDestroy, executable)
        _call(driver.cuGraphDestroy, template)

    def close(self) -> None:
        """Frees everything; may be called twice, and after a failure."""
        if not self._open:
            return
        self._open = False
        steps: list[tuple[Any, ...]] = [(self.activate,), (self.wait,)]
        steps += [(self.free_graph, graph) for graph in self._graphs]
        steps.append((_call, driver.cuStreamDestroy, self._stream))
        steps += [(_call, driver.cuMemFreeHost, address) for address in self._host_memory]
        steps += [(_call, driver.cuMemFree, pointer) for pointer in self._device_memory]
        steps.append((_call, driver.cuDevicePrimaryCtxRelease, self._device))
        for function, *arguments in steps:
            # After a failure these calls fail too. The first error is the one to report, and
            # releasing the context frees what is left.
            with contextlib.suppress(EngineError):
                function(*arguments)


def find_gpu() -> Gpu:
    """Returns the first GPU's name and compute capability, without opening a context.

    Raises:
        BackendUnavailable: there is none, or no driver.
    """
    return _describe(_first_device())


def driver_version() -> str:
    """Returns the newest CUDA version the driver supports: `12.6`."""
    version = int(_call(driver.cuDriverGetVersion))
    return f"{version // 1000}.{version % 1000 // 10}"


def _first_device() -> Any:
    try:
        error, *_ = driver.cuInit(0)
    except RuntimeError:  # libcuda.so.1 was not found: no driver is installed
        raise BackendUnavailable(_no_gpu("no NVIDIA driver is installed")) from None
    if int(error) != 0:
        raise BackendUnavailable(_no_gpu(f"the driver says {_words(error)}"))
    if int(_call(driver.cuDeviceGetCount)) == 0:
        raise BackendUnavailable(_no_gpu("the driver sees none"))
    return _call(driver.cuDeviceGet, 0)


def _no_gpu(why: str) -> str:
    return (
        f"no NVIDIA GPU can be used on this machine: {why}; run `nvidia-smi` (on a Jetson "
        "`tegrastats`), in a container add --gpus all (on a Jetson --runtime nvidia), or run the "
        ".onnx file with --provider cpu"
    )


def _describe(device: Any) -> Gpu:
    name = bytes(_call(driver.cuDeviceGetName, NAME_BYTES, device)).split(b"\0")[0].decode()
    attributes = driver.CUdevice_attribute
    major = attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    minor = attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
    first, second = (_call(driver.cuDeviceGetAttribute, which, device) for which in (major, minor))
    return Gpu(name=name, compute_capability=f"{int(first)}.{int(second)}")


def _flag(name: str) -> Any:
    return getattr(driver.CUstream_flags, name)


def _call(function: Any, *arguments: Any) -> Any:
    """Returns the result of a driver call without its status, or raises EngineError."""
    error, *values = function(*arguments)
    if int(error) != 0:
        raise EngineError(
            f"the GPU failed in {function.__name__} ({_words(error)}); run `rtau doctor --gpu`, "
            "and free GPU memory or build the engine with a smaller --batch if it is out of memory"
        )
    return values[0] if values else None


def _words(error: Any) -> str:
    """Returns the driver's text for an error code."""
    status, words = driver.cuGetErrorString(error)
    return words.decode() if int(status) == 0 and words else str(error)
