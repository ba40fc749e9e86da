"""Runs `.engine` files with TensorRT: all faces of a batch in one call on the GPU.

Checks the file's JSON against this machine before TensorRT and CUDA are loaded. CAMs are neither
computed nor copied unless they are asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtau.backends._engine import BatchEngine, grey_crops
from rtau.backends._tensorrt_plan import Plan
from rtau.backends.engine_file import EngineBuild, check_file, check_machine, read_sidecar
from rtau.backends.tensorrt_library import TensorRT, load_cuda_driver, load_tensorrt
from rtau.backends.tensors import CAMS, INPUT, output_names, row_shapes
from rtau.contract import ModelContract
from rtau.data import Image
from rtau.errors import ContractError, EngineError, UsageError

if TYPE_CHECKING:
    from rtau.backends._cuda_driver import CudaDriver

# Contexts and graphs of the common batch sizes, 1 to this, are made before the first frame.
WARM_ROWS = 4
# A graph is captured in the second run of a batch size.
WARM_RUNS = 2


class TensorRTEngine(BatchEngine):
    """Engine on TensorRT 10, TensorRT 11 or TensorRT for RTX."""

    def __init__(
        self,
        path: Path,
        /,
        *,
        provider: str = "auto",
        threads: int = 0,  # noqa: ARG002 - every engine is opened with it; a GPU has no use for it
        tensorrt: TensorRT | None = None,
        cuda: CudaDriver | None = None,
    ) -> None:
        """Checks, loads and warms an engine.

        Args:
            path: an .engine file with the JSON that `rtau-export engine` wrote beside it.
            provider: `auto` or `tensorrt`.
            threads: not used.
            tensorrt: a loaded TensorRT; None loads the one the engine needs.
            cuda: a GPU, closed with the engine; None takes the first.

        Raises:
            UsageError: another provider was asked for.
            BackendUnavailable: no TensorRT, no GPU, or not those the engine was built for.
            ContractError: the file or its JSON is damaged, or they do not fit each other.
        """
        if provider not in ("auto", "tensorrt"):
            raise UsageError(
                f"{path}: an engine runs with TensorRT only, got --provider {provider}; leave "
                "--provider out, or give the .onnx file"
            )
        self._contract, self._build = read_sidecar(path)
        check_file(path, self._build)
        without_cams = _engine_without_cams(path, self._build)
        self._name = path.name
        self._tensorrt = tensorrt or load_tensorrt(self._build.library)
        self._cuda: CudaDriver = cuda or load_cuda_driver().CudaDriver()
        self._plans: dict[bool, Plan] = {}
        try:
            check_machine(path, self._build, version=self._tensorrt.version, gpu=self._cuda.gpu)
            full = self._open(path)
            self._plans = {False: self._open(without_cams) if without_cams else full}
            if self._contract.has_cams:
                self._plans[True] = full
            self._warm_up()
        except BaseException:
            self.close()
            raise

    @property
    def device(self) -> str:
        """Library, GPU and precision in use."""
        graphs = all(plan.captures for plan in self._plans.values())
        how = "CUDA graphs" if graphs or self._tensorrt.is_rtx else "no CUDA graphs"
        return f"{self._tensorrt} on {self._cuda.gpu}, {self._build.precision}, {how}"

    @property
    def max_batch(self) -> int:
        """Rows per call; longer batches are split."""
        return self._build.batch[2]

    def close(self) -> None:
        """Frees contexts, engines and GPU memory; may be called twice."""
        for plan in self._plans.values():
            plan.close()
        self._plans = {}
        self._cuda.close()

    def _run(self, images_rgb: Image, *, cams: bool) -> list[np.ndarray]:
        names = output_names(self._contract, cams=cams)
        return self._plan(cams=cams).run(images_rgb, names)

    def _no_rows(self, *, cams: bool) -> list[np.ndarray]:
        names = output_names(self._contract, cams=cams)
        shapes = [self._plan(cams=cams).row_shape(name) for name in names]
        return [np.zeros((0, *shape), np.float32) for shape in shapes]

    def _plan(self, *, cams: bool) -> Plan:
        if not self._plans:
            raise EngineError(f"{self._contract.name} is closed; open the engine again")
        return self._plans[cams]

    def _open(self, path: Path) -> Plan:
        least, _, greatest = self._build.batch
        plan = Plan(
            path.read_bytes(),
            tensorrt=self._tensorrt,
            cuda=self._cuda,
            least_rows=least,
            max_rows=greatest,
            origin=path.name,
        )
        _check_signature(plan, self._contract, path, with_cams=path.name == self._name)
        return plan

    def _warm_up(self) -> None:
        size = self._contract.input_size
        for rows in range(1, min(WARM_ROWS, self.max_batch) + 1):
            grey = grey_crops(rows, size=size)
            for with_cams, plan in self._plans.items():
                for _ in range(WARM_RUNS):
                    plan.run(grey, output_names(self._contract, cams=with_cams))


def _engine_without_cams(path: Path, build: EngineBuild) -> Path | None:
    """Returns the CAM-less variant of an engine, checked against it; None if there is none."""
    if build.without_cams is None:
        return None
    variant = path.with_name(build.without_cams)
    _, variant_build = read_sidecar(variant)
    check_file(variant, variant_build)
    for field in ("library", "version", "precision", "batch", "onnx_sha256"):
        wanted, got = getattr(build, field), getattr(variant_build, field)
        if wanted != got:
            raise ContractError(
                f"{variant}: {field} must be {wanted} as in {path.name}, got {got}; {build.remedy}"
            )
    return variant


def _check_signature(plan: Plan, contract: ModelContract, path: Path, *, with_cams: bool) -> None:
    """Raises ContractError unless names and shapes of the tensors are those of the contract."""
    size, shapes = contract.input_size, row_shapes(contract, cams=with_cams)
    if sorted(plan.outputs) != sorted(shapes):
        raise ContractError(
            f"{path}: must have the tensors {', '.join((INPUT, *shapes))}, got {INPUT}, "
            f"{', '.join(plan.outputs)}; build the engine again"
        )
    maps = shapes.pop(CAMS, None)
    for name, shape in {INPUT: (size, size, 3), **shapes}.items():
        if plan.row_shape(name) != shape:
            raise ContractError(
                f"{path}: a row of {name} must be {shape}, got {plan.row_shape(name)}; build the "
                "engine again"
            )
    if maps is not None and plan.row_shape(CAMS)[:1] != maps:
        raise ContractError(
            f"{path}: a row of cams must have {maps[0]} maps, got {plan.row_shape(CAMS)}"
        )
