"""One deserialised TensorRT plan with its execution contexts, buffers and CUDA graphs.

Buffers on device and host have the size of the largest batch; a batch size that repeats runs as a
CUDA graph. `TensorRTEngine` has a plan with CAMs and, if it was built, one without.
"""

from __future__ import annotations

import collections
import dataclasses
import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rtau.backends.tensorrt_library import TensorRT, logged, quiet_logger
from rtau.backends.tensors import INPUT
from rtau.data import Image
from rtau.errors import BackendUnavailable, ContractError, EngineError

if TYPE_CHECKING:
    from rtau.backends._cuda_driver import CudaDriver

# Batch sizes with a context and a graph of their own. More in one run are rare, and contexts cost
# memory.
MAX_SHAPES = 8

log = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Shape:
    """A context that is set to one batch size."""

    context: Any
    rows: int
    runs: int = 0
    graph: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Buffer:
    """A tensor's memory on device and host, for the largest batch."""

    row_shape: tuple[int, ...]
    row_bytes: int
    dtype: type
    device: int
    host: npt.NDArray[np.uint8]

    def first(self, rows: int) -> npt.NDArray[np.uint8]:
        """Returns the pinned host memory of the first rows: uint8, flat."""
        return self.host[: rows * self.row_bytes]

    def view(self, rows: int) -> npt.NDArray[Any]:
        """Returns the pinned host memory of the first rows: (rows, *row_shape)."""
        return self.first(rows).view(self.dtype).reshape(rows, *self.row_shape)


class Plan:
    """A plan ready to run on one GPU."""

    def __init__(
        self,
        plan: bytes,
        /,
        *,
        tensorrt: TensorRT,
        cuda: CudaDriver,
        least_rows: int,
        max_rows: int,
        origin: str,
    ) -> None:
        """Deserialises a plan and allocates its buffers.

        Args:
            plan: a serialised engine whose origin was checked.
            tensorrt: the library that built it.
            cuda: the GPU; its `close` frees the buffers.
            least_rows: smallest batch the plan takes; smaller ones are padded.
            max_rows: largest batch.
            origin: file name, for error messages.

        Raises:
            BackendUnavailable: the library rejects the plan.
            ContractError: its tensors are not those of an rtau model.
        """
        self._tensorrt, self._cuda, self._origin = tensorrt, cuda, origin
        self._least_rows, self._max_rows = least_rows, max_rows
        self._shapes: collections.OrderedDict[int, _Shape] = collections.OrderedDict()
        # TensorRT for RTX captures graphs itself, once its kernels for a shape are compiled.
        self._captures = not tensorrt.is_rtx
        self._logger = quiet = quiet_logger(tensorrt)
        self._runtime = tensorrt.module.Runtime(quiet)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise BackendUnavailable(
                f"{origin}: {tensorrt} refuses the engine on {cuda.gpu} ({logged(quiet)}); build "
                "it on this machine with `rtau-export engine`"
            )
        # Contexts run one after the other on one stream, so they share scratch memory.
        self._scratch_bytes = int(self._engine.device_memory_size_v2)
        self._scratch = cuda.allocate(max(1, self._scratch_bytes))
        self._buffers = self._make_buffers()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(name for name in self._buffers if name != INPUT)

    @property
    def captures(self) -> bool:
        """True while repeated shapes run as CUDA graphs."""
        return self._captures

    def row_shape(self, name: str) -> tuple[int, ...]:
        """Returns the shape of one row of a tensor."""
        return self._buffers[name].row_shape

    def run(self, images_rgb: Image, names: Sequence[str]) -> list[npt.NDArray[np.float32]]:
        """Returns the named outputs of 1 to `max_rows` pictures, in new arrays.

        Raises:
            EngineError: TensorRT or the GPU failed.
        """
        count = len(images_rgb)
        rows = max(count, self._least_rows)
        self._cuda.activate()
        pictures = self._buffers[INPUT]
        staged = pictures.view(rows)
        staged[:count] = images_rgb
        staged[count:] = 0
        self._cuda.copy_in(pictures.device, pictures.first(rows))
        self._execute(self._shape(rows))
        for name in names:
            self._cuda.copy_out(self._buffers[name].first(rows), self._buffers[name].device)
        self._cuda.wait()
        return [self._buffers[name].view(rows)[:count].copy() for name in names]

    def close(self) -> None:
        """Frees contexts, engine and runtime, in this order; the GPU frees the buffers."""
        self._shapes.clear()
        self._engine = self._runtime = None

    def _make_buffers(self) -> dict[str, _Buffer]:
        context = self._new_context(self._max_rows, addresses={})
        buffers = {}
        for k in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(k)
            shape = tuple(int(side) for side in context.get_tensor_shape(name))
            dtype = self._dtype(name)
            if not shape or shape[0] != self._max_rows or min(shape) < 1:
                raise ContractError(
                    f"{self._origin}: tensor {name!r} must have {self._max_rows} rows, got the "
                    f"shape {shape}; export the model again"
                )
            row_bytes = math.prod(shape[1:]) * np.dtype(dtype).itemsize
            buffers[name] = _Buffer(
                row_shape=shape[1:],
                row_bytes=row_bytes,
                dtype=dtype,
                device=self._cuda.allocate(self._max_rows * row_bytes),
                host=self._cuda.allocate_pinned(self._max_rows * row_bytes),
            )
        return buffers

    def _dtype(self, name: str) -> type:
        found = self._engine.get_tensor_dtype(name)
        kinds = self._tensorrt.module.DataType
        for kind, dtype in ((kinds.UINT8, np.uint8), (kinds.FLOAT, np.float32)):
            if found == kind:
                return dtype
        raise ContractError(
            f"{self._origin}: tensor {name!r} must be uint8 or float32, got {found}; export the "
            "model again"
        )

    def _shape(self, rows: int) -> _Shape:
        """Returns the context for a batch size, new or cached.

        A captured graph contains the state of its context, so a context with a graph is never set
        to another batch size (TensorRT's guide, CUDA graphs).
        """
        key = rows if self._captures else 0
        shape = self._shapes.get(key)
        if shape is None:
            addresses = {name: buffer.device for name, buffer in self._buffers.items()}
            shape = _Shape(context=self._new_context(rows, addresses=addresses), rows=rows)
            self._shapes[key] = shape
            if len(self._shapes) > MAX_SHAPES:
                _, oldest = self._shapes.popitem(last=False)
                self._drop_graph(oldest)
        elif shape.rows != rows:
            self._set_rows(shape.context, rows)
            shape.rows = rows
        self._shapes.move_to_end(key)
        return shape

    def _new_context(self, rows: int, *, addresses: dict[str, int]) -> Any:
        strategy = self._tensorrt.module.ExecutionContextAllocationStrategy.USER_MANAGED
        if self._tensorrt.is_rtx:
            config = self._engine.create_runtime_config()
            config.set_execution_context_allocation_strategy(strategy)
            whole = self._tensorrt.module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            config.cuda_graph_strategy = whole
            context = self._engine.create_execution_context(config)
        else:
            context = self._engine.create_execution_context(strategy)
        if context is None:
            raise EngineError(
                f"{self._origin}: TensorRT made no execution context ({logged(self._logger)}); "
                "free GPU memory or build the engine with a smaller --batch"
            )
        self._set_rows(context, rows)
        context.set_device_memory(self._scratch, self._scratch_bytes)
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                raise EngineError(
                    f"{self._origin}: TensorRT refused the memory of {name!r} "
                    f"({logged(self._logger)}); build the engine again"
                )
        return context

    def _set_rows(self, context: Any, rows: int) -> None:
        side = tuple(int(n) for n in self._engine.get_tensor_shape(INPUT))[1:]
        if not context.set_input_shape(INPUT, (rows, *side)):
            raise EngineError(
                f"{self._origin}: TensorRT refused {rows} rows ({logged(self._logger)}); build the "
                "engine again with a --batch that holds them"
            )

    def _execute(self, shape: _Shape) -> None:
        """Queues one run; from the second one of a batch size on as a graph.

        In the first run TensorRT initialises things that a graph must not contain.
        """
        if self._captures and shape.graph is None and shape.runs == 1:
            shape.graph = self._capture(shape)
        if shape.graph is None:
            self._enqueue(shape.context)
        else:
            self._cuda.launch(shape.graph)
        shape.runs += 1

    def _capture(self, shape: _Shape) -> int | None:
        """Returns the graph of one run; None, with a warning, if it cannot be captured."""
        self._cuda.begin_capture()
        enqueued = shape.context.execute_async_v3(self._cuda.stream)
        graph, why = None, ""
        try:
            graph = self._cuda.end_capture()
        except EngineError as error:
            why = str(error)
        if graph is not None and enqueued:
            return graph
        if graph is not None:
            self._cuda.free_graph(graph)
            why = logged(self._logger)
        self._captures = False
        log.warning("%s runs without CUDA graphs, a little slower: %s", self._origin, why)
        # A context's state is unknown after a failed capture, so a new one is made.
        self._shapes.clear()
        shape.context = self._shape(shape.rows).context
        return None

    def _enqueue(self, context: Any) -> None:
        if not context.execute_async_v3(self._cuda.stream):
            raise EngineError(
                f"{self._origin}: TensorRT failed to run it on {self._cuda.gpu} "
                f"({logged(self._logger)}); run `rtau doctor --gpu {self._origin}`"
            )

    def _drop_graph(self, shape: _Shape) -> None:
        if shape.graph is not None:
            self._cuda.free_graph(shape.graph)
