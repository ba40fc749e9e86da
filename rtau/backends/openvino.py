"""Runs ONNX files with OpenVINO on an x86 CPU, in the precision of the file.

The only module that imports openvino. Worth it for INT8 files and many faces a frame; for one face
ONNX Runtime is faster (docs/adr/0011-openvino-for-many-faces.md). Opened by `--provider openvino`.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np

from rtau.backends._batches import scored
from rtau.backends.onnx_metadata import contract_in
from rtau.backends.onnx_subgraph import keep_outputs
from rtau.backends.outputs import CAMS, INPUT, output_names, row_shapes
from rtau.contract import ModelContract
from rtau.cpu import usable_cores
from rtau.data import Crops, Scores
from rtau.errors import ContractError, EngineError, UsageError

# Importing openvino reports itself to a web analytics service, under an id kept in the home folder.
# Where this module is missing it takes a stub of its own: rtau opens no connection unasked.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None means missing
import openvino  # noqa: E402 - only after the line above

DEVICE = "CPU"
# Rows per call for a model of unlimited batch, as with ONNX Runtime.
DEFAULT_MAX_BATCH = 64
# Left to itself OpenVINO computes float32 files in bfloat16 where the CPU can, and says nothing.
EXACT = "f32"


class OpenVINOEngine:
    """Engine on OpenVINO's CPU plug-in."""

    def __init__(self, path: Path, /, *, provider: str = "openvino", threads: int = 0) -> None:
        """Loads, checks and warms a model.

        Args:
            path: an .onnx file with an rtau contract in its metadata.
            provider: `openvino`; there is no other here.
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
        content = _read(path)
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
        size = self._contract.input_size
        self._run(np.full((1, size, size, 3), 128, np.uint8), cams=self._contract.has_cams)

    @property
    def contract(self) -> ModelContract:
        """What the model expects and returns, from the file's metadata."""
        return self._contract

    @property
    def device(self) -> str:
        """The library and the processor really used."""
        version = openvino.__version__.split("-")[0]
        return f"openvino {version}, {DEVICE} ({self._name}), {self._contract.precision}"

    @property
    def threads(self) -> int:
        """Threads of one call."""
        return self._threads

    @property
    def max_batch(self) -> int:
        """Rows per call; longer batches are split."""
        return self._contract.max_batch or DEFAULT_MAX_BATCH

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns a row of scores per crop.

        Raises:
            ContractError: crops of another size, or CAMs of a model that has none.
            EngineError: OpenVINO failed, or a value is not finite.
        """
        return scored(
            crops,
            lambda images_rgb: self._run(images_rgb, cams=cams),
            contract=self._contract,
            max_batch=self.max_batch,
            cams=cams,
        )

    def close(self) -> None:
        """Frees the compiled models."""
        self._with_cams = self._bare = None

    def __enter__(self) -> OpenVINOEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, images_rgb: np.ndarray, *, cams: bool) -> list[np.ndarray]:
        request = self._with_cams if cams else self._bare
        if request is None:
            raise EngineError(f"{self._contract.name} is closed; open the engine again")
        try:
            found = request.infer({INPUT: images_rgb})
        except RuntimeError as error:
            raise EngineError(
                f"{self._path.name} failed on {len(images_rgb)} crops with OpenVINO: "
                f"{_one_line(error)}"
            ) from error
        return [np.asarray(found[name]) for name in output_names(self._contract, cams=cams)]

    def _compiled(self, model: bytes) -> Any:
        try:
            return _core().compile_model(_core().read_model(model), DEVICE, self._options)
        except RuntimeError as error:
            raise ContractError(
                f"{self._path}: OpenVINO cannot load it ({_one_line(error)}); export it again"
            ) from error


@functools.cache
def _core() -> openvino.Core:
    """Returns the one Core of the process.

    OpenVINO's CPU plug-in gives the thread that loads it a stack for signals and frees that memory
    with the last user of the plug-in, on whatever thread that happens. The next Ctrl-C would then
    end the process with a segmentation fault, so the plug-in is kept to the end.
    """
    return openvino.Core()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: the model cannot be read ({error.strerror})") from None


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
    # A grid's size is the model's own business.
    said = {name: (kind, sizes[: 1 if name == CAMS else 3]) for name, (kind, sizes) in got.items()}
    if said != wanted:
        raise ContractError(f"{path}: inputs and outputs must be {wanted}, got {got}")


def _signature(port: Any) -> tuple[str, list[int]]:
    """Returns the type and the sizes of a row of an input or output; -1 where one is free."""
    sizes = [one.get_length() if one.is_static else -1 for one in port.get_partial_shape()]
    return str(port.get_element_type().get_type_name()), sizes[1:]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
