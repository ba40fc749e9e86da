"""Runs ONNX files with OpenVINO on an x86 CPU, in the precision of the file.

The only module that imports openvino. It is faster than ONNX Runtime for INT8 files and for many
faces per frame, slower for one face (docs/adr/0011-openvino-for-many-faces.md).
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from rtau.backends._engine import BatchEngine, grey_crops, read_model, warm_up_rows
from rtau.backends.onnx_file import contract_in, keep_outputs
from rtau.backends.parity import as_crops
from rtau.backends.tensors import CAMS, INPUT, output_names, row_shapes
from rtau.contract import ModelContract
from rtau.cpu import usable_cores
from rtau.data import Image
from rtau.errors import ContractError, EngineError, UsageError, one_line

# openvino reports its import to a web analytics service, with an id kept in the home folder, unless
# this module is missing. rtau opens no connection by itself.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None means missing
import openvino  # noqa: E402 - only after the line above

DEVICE = "CPU"
# By default OpenVINO computes float32 files in bfloat16 on CPUs that can, without a message.
EXACT = "f32"


class OpenVINOEngine(BatchEngine):
    """Engine on OpenVINO's CPU plug-in."""

    def __init__(self, path: Path, /, *, provider: str = "openvino", threads: int = 0) -> None:
        """Loads, checks and warms a model.

        Args:
            path: an .onnx file with an rtau contract in its metadata.
            provider: `openvino`.
            threads: threads for one batch; 0 means one per core.

        Raises:
            UsageError: another provider was asked for.
            ContractError: the file is broken, has no contract, or breaks it; or its int8 is made
                for TensorRT.
        """
        if provider != "openvino":
            raise UsageError(f"the OpenVINO backend is --provider openvino, got {provider!r}")
        self._path = path
        self._threads = threads or usable_cores()
        self._options = {
            "INFERENCE_PRECISION_HINT": EXACT,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self._threads,
        }
        content = read_model(path)
        self._contract = contract_in(content, origin=str(path))
        _check_profile(self._contract, path)
        whole = self._compiled(content)
        _check_signature(whole, self._contract, path)
        self._with_cams: Any = None
        self._bare: Any = whole.create_infer_request()
        if self._contract.has_cams:
            self._with_cams = self._bare
            names = frozenset(output_names(self._contract, cams=False))
            bare = self._compiled(keep_outputs(content, names))
            self._bare = bare.create_infer_request()
        self._name = str(_core().get_property(DEVICE, "FULL_DEVICE_NAME")).strip()
        rows = warm_up_rows(self._contract)
        crops = as_crops(grey_crops(rows, size=self._contract.input_size))
        self.infer(crops, cams=self._contract.has_cams)

    @property
    def device(self) -> str:
        """OpenVINO's version, the processor and the precision in use."""
        version = openvino.__version__.split("-")[0]
        return f"openvino {version}, {DEVICE} ({self._name}), {self._contract.precision}"

    @property
    def threads(self) -> int:
        """Threads of one call."""
        return self._threads

    def close(self) -> None:
        """Frees the compiled models."""
        self._with_cams = self._bare = None

    def _run(self, images_rgb: Image, *, cams: bool) -> list[np.ndarray]:
        request = self._with_cams if cams else self._bare
        if request is None:
            raise EngineError(f"{self._contract.name} is closed; open the engine again")
        try:
            found = request.infer({INPUT: images_rgb})
        except RuntimeError as error:
            raise EngineError(
                f"{self._path.name} failed on {len(images_rgb)} crops with OpenVINO: "
                f"{one_line(error)}"
            ) from error
        return [np.asarray(found[name]) for name in output_names(self._contract, cams=cams)]

    def _compiled(self, model: bytes) -> Any:
        try:
            return _core().compile_model(_core().read_model(model), DEVICE, self._options)
        except RuntimeError as error:
            raise ContractError(
                f"{self._path}: OpenVINO cannot load it ({one_line(error)}); export it again"
            ) from error


@functools.cache
def _core() -> openvino.Core:
    """Returns the one Core of the process.

    OpenVINO's CPU plug-in allocates a signal stack for the thread that loads it and frees it with
    its last user, on any thread. The next Ctrl-C would then end the process with a segmentation
    fault, so the plug-in stays loaded.
    """
    return openvino.Core()


def _check_profile(contract: ModelContract, path: Path) -> None:
    """Raises ContractError for int8 that keeps all eight bits of a weight.

    On a CPU without VNNI such products overflow in OpenVINO's kernels, and it says nothing.
    """
    if contract.int8_profile == "trt":
        raise ContractError(
            f"{path}: its int8 is made for TensorRT, and OpenVINO would give wrong numbers on some "
            "CPUs; make it from the fp32 file with rtau-export onnx --precision int8 --profile cpu"
        )


def _check_signature(model: Any, contract: ModelContract, path: Path) -> None:
    """Raises ContractError unless inputs and outputs are what the contract says."""
    size, shapes = contract.input_size, row_shapes(contract, cams=True)
    wanted = {INPUT: ("u8", [size, size, 3])}
    wanted.update({name: ("f32", list(shape)) for name, shape in shapes.items()})
    got = {port.get_any_name(): _signature(port) for port in (*model.inputs, *model.outputs)}
    # Height and width of CAMs are up to the model.
    said = {name: (kind, sizes[: 1 if name == CAMS else 3]) for name, (kind, sizes) in got.items()}
    if said != wanted:
        raise ContractError(f"{path}: inputs and outputs must be {wanted}, got {got}")


def _signature(port: Any) -> tuple[str, list[int]]:
    """Returns type and shape of one row of an input or output; -1 for a dynamic dimension."""
    sizes = [one.get_length() if one.is_static else -1 for one in port.get_partial_shape()]
    return str(port.get_element_type().get_type_name()), sizes[1:]
