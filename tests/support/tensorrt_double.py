"""A GPU and a TensorRT that exist in memory only: what the backend asks of them, in order.

`FakeCuda` keeps device memory in arrays and notes every call; `FakeTensorRT` runs a small function
on that memory when a context is executed. Together they show allocation sizes, the order of copies,
splits and graphs without hardware; they prove nothing about hardware.
"""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np

from rtau.backends.engine_file import (
    EngineBuild,
    Gpu,
    sidecar_path,
    sidecar_text,
    this_platform,
)
from rtau.backends.tensorrt_library import TensorRT
from rtau.contract import sha256_of
from rtau.errors import EngineError
from tests.support.doubles import make_contract

ORIN = Gpu(name="Orin", compute_capability="8.7")
VERSION = "10.3.0"
SIDE, LABELS, GRID = 32, 3, 7
STREAM = 77


class FakeCuda:
    """GPU memory as arrays, and a list of all calls."""

    def __init__(self, gpu: Gpu = ORIN, *, fail_capture: bool = False):
        self.gpu = gpu
        self.stream = STREAM
        self.calls: list[tuple] = []
        self.device: dict[int, np.ndarray] = {}
        self.pinned_bytes: list[int] = []
        self.graphs: dict[int, list] = {}
        self.noted: list | None = None
        self.fail_capture = fail_capture
        self.closed = 0
        self.captured = 0

    def activate(self):
        self.calls.append(("activate",))

    def allocate(self, size_bytes):
        address = 0x1000 * (len(self.device) + 1)
        self.device[address] = np.zeros(size_bytes, np.uint8)
        return address

    def allocate_pinned(self, size_bytes):
        self.pinned_bytes.append(size_bytes)
        return np.zeros(size_bytes, np.uint8)

    def copy_in(self, device, host):
        self.calls.append(("in", host.nbytes))
        self.device[device][: host.nbytes] = host

    def copy_out(self, host, device):
        self.calls.append(("out", host.nbytes))
        host[:] = self.device[device][: host.nbytes]

    def wait(self):
        self.calls.append(("wait",))

    def begin_capture(self):
        self.noted = []

    def end_capture(self):
        noted, self.noted = self.noted, None
        if self.fail_capture:
            raise EngineError("the GPU failed in cuStreamEndCapture (operation not permitted)")
        self.captured += 1
        graph = 500 + self.captured
        self.graphs[graph] = noted
        self.calls.append(("capture", graph))
        return graph

    def launch(self, graph):
        self.calls.append(("launch", graph))
        for step in self.graphs[graph]:
            step()

    def free_graph(self, graph):
        self.calls.append(("free graph", graph))
        del self.graphs[graph]

    def close(self):
        self.closed += 1

    def names(self):
        return [call[0] for call in self.calls]


class FakeContext:
    """Runs `mean brightness + label` on the fake GPU's memory."""

    def __init__(self, engine):
        self.engine = engine
        self.rows = 0
        self.addresses = {}
        self.shapes_set = 0

    def set_input_shape(self, name, shape):
        assert name == "crops"
        assert shape[1:] == (SIDE, SIDE, 3)
        self.rows = shape[0]
        self.shapes_set += 1
        return shape[0] <= self.engine.max_rows

    def set_device_memory(self, memory, size):
        assert self.engine.cuda.device[memory].nbytes == size

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return True

    def get_tensor_shape(self, name):
        return (self.rows, *self.engine.tensors[name][0])

    def execute_async_v3(self, stream):
        assert stream == STREAM
        if self.engine.fails:
            self.engine.logger.log(self.engine.logger.ERROR, "CUDA error 700\nillegal address")
            return False
        rows = self.rows
        if self.engine.cuda.noted is not None:
            self.engine.cuda.noted.append(lambda: self._compute(rows))
        else:
            self.engine.cuda.calls.append(("enqueue", rows))
            self._compute(rows)
        return True

    def _compute(self, rows):
        memory = self.engine.cuda.device
        pixels = memory[self.addresses["crops"]].reshape(-1, SIDE * SIDE * 3)[:rows]
        mean = pixels.mean(axis=1, dtype=np.float64).astype(np.float32)
        logits = mean[:, None] + np.arange(LABELS, dtype=np.float32)
        self._write("logits", logits)
        if "cams" in self.addresses:
            self._write(
                "cams", np.broadcast_to(logits[:, :, None, None], (rows, LABELS, GRID, GRID))
            )

        if "landmarks" in self.addresses:
            self._write("landmarks", np.broadcast_to(mean[:, None, None], (rows, 68, 2)))

    def _write(self, name, values):
        raw = np.ascontiguousarray(values, np.float32).view(np.uint8).ravel()
        self.engine.cuda.device[self.addresses[name]][: raw.size] = raw


class FakeEngine:
    """What `deserialize_cuda_engine` returns; the plan's bytes say which tensors it has."""

    device_memory_size_v2 = 4096

    def __init__(self, plan, cuda, logger):
        facts = json.loads(plan)
        self.cuda, self.logger = cuda, logger
        self.max_rows = facts["max_rows"]
        self.fails = facts.get("fails", False)
        self.tensors = {
            "crops": ((SIDE, SIDE, 3), "uint8"),
            "logits": ((facts.get("labels", LABELS),), facts.get("dtype", "float32")),
        }
        if facts["cams"]:
            self.tensors["cams"] = ((LABELS, GRID, GRID), "float32")
        if points := facts.get("landmarks", 0):
            self.tensors["landmarks"] = ((points, 2), "float32")
        self.contexts = []

    @property
    def num_io_tensors(self):
        return len(self.tensors)

    def get_tensor_name(self, k):
        return list(self.tensors)[k]

    def get_tensor_shape(self, name):
        return (-1, *self.tensors[name][0])

    def get_tensor_dtype(self, name):
        return self.tensors[name][1]

    def create_runtime_config(self):
        return SimpleNamespace(set_execution_context_allocation_strategy=lambda strategy: strategy)

    def create_execution_context(self, how):
        self.contexts.append(FakeContext(self))
        self.how = how
        return self.contexts[-1]


class FakeLogger:
    """Stands for ILogger."""

    INTERNAL_ERROR, ERROR, WARNING = 0, 1, 2


def fake_tensorrt(cuda, *, library="tensorrt", version=VERSION) -> TensorRT:
    """Returns a TensorRT whose plans are JSON; `module.engines` lists what was deserialised."""
    engines = []

    class Runtime:
        def __init__(self, logger):
            self.logger = logger

        def deserialize_cuda_engine(self, plan):
            try:
                engines.append(FakeEngine(plan, cuda, self.logger))
            except ValueError:
                self.logger.log(FakeLogger.ERROR, "magic tag does not match")
                return None
            return engines[-1]

    module = SimpleNamespace(
        __version__=version,
        Runtime=Runtime,
        ILogger=FakeLogger,
        DataType=SimpleNamespace(UINT8="uint8", FLOAT="float32"),
        ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED="user managed"),
        CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole graph"),
        engines=engines,
    )
    return TensorRT(library, module)


def write_engine(folder, *, name="face", twin=False, plan=None, contract=None, **changes):
    """Returns the path of a fake engine with its JSON; `changes` replace fields of the build."""
    batch = changes.get("batch", (1, 8, 8))
    if twin:
        changes["without_cams"] = write_engine(
            folder,
            name=f"{name}.bare",
            plan={**(plan or {}), "cams": False},
            contract=contract,
            **changes,
        ).name
    path = folder / f"{name}.engine"
    if not isinstance(plan, bytes):
        plan = json.dumps({"max_rows": batch[2], "cams": True, **(plan or {})}).encode()
    path.write_bytes(plan)
    build = EngineBuild(
        library="tensorrt",
        version=VERSION,
        platform=this_platform(),
        gpu=ORIN.name,
        compute_capabilities=("8.7",),
        precision="fp16",
        typing="weak",
        batch=batch,
        onnx="face.onnx",
        onnx_sha256="0" * 64,
        engine_sha256=sha256_of(path),
    )
    build = dataclasses.replace(build, **changes)
    contract = contract or make_contract(precision="fp16", max_batch=batch[2])
    sidecar_path(path).write_text(sidecar_text(contract, build), encoding="utf-8")
    return path
