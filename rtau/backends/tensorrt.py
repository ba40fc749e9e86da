"""Runs `.engine` files with TensorRT: all faces of a batch in one call on the GPU.

Checks the file's JSON against this machine before the file is touched, splits batches to what the
engine was built for, and leaves CAMs out, computation and copy, when nobody wants them. TensorRT
and CUDA are loaded only after those checks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtau.backends._tensorrt_plan import Cuda, Plan
from rtau.backends.engine_file import EngineBuild, check_file, check_machine, read_sidecar
from rtau.backends.outputs import CAMS, INPUT, output_names, row_shapes, scores_of
from rtau.backends.tensorrt_library import TensorRT, load_cuda_driver, load_tensorrt
from rtau.contract import ModelContract
from rtau.data import Crops, Image, Scores
from rtau.errors import ContractError, EngineError, UsageError

# Batches this small are everyday: their contexts and graphs are made before the first frame.
WARM_ROWS = 4
# A graph is captured in the second run of a shape.
WARM_RUNS = 2


class TensorRTEngine:
    """Engine on TensorRT 10, TensorRT 11 or TensorRT for RTX."""

    def __init__(
        self,
        path: Path,
        /,
        *,
        provider: str = "auto",
        threads: int = 0,  # noqa: ARG002 - every engine is opened with it; a GPU has no use for it
        tensorrt: TensorRT | None = None,
        cuda: Cuda | None = None,
    ) -> None:
        """Checks, loads and warms an engine.

        Args:
            path: an .engine file with the JSON that `rtau-export engine` wrote beside it.
            provider: `auto` or `tensorrt`; an engine runs on nothing else.
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
        twin = _twin(path, self._build)
        self._name = path.name
        self._tensorrt = tensorrt or load_tensorrt(self._build.library)
        self._cuda: Cuda = cuda or load_cuda_driver().CudaDriver()
        self._plans: dict[bool, Plan] = {}
        try:
            check_machine(path, self._build, version=self._tensorrt.version, gpu=self._cuda.gpu)
            full = self._open(path)
            self._plans = {False: self._open(twin) if twin else full}
            if self._contract.has_cams:
                self._plans[True] = full
            self._warm_up()
        except BaseException:
            self.close()
            raise

    @property
    def contract(self) -> ModelContract:
        """What the model expects and returns, from the engine's JSON."""
        return self._contract

    @property
    def device(self) -> str:
        """Library, GPU and precision really used."""
        graphs = all(plan.captures for plan in self._plans.values())
        how = "CUDA graphs" if graphs or self._tensorrt.is_rtx else "no CUDA graphs"
        return f"{self._tensorrt} on {self._cuda.gpu}, {self._build.precision}, {how}"

    @property
    def max_batch(self) -> int:
        """Rows per call; longer batches are split."""
        return self._build.batch[2]

    def infer(self, crops: Crops, /, *, cams: bool = False) -> Scores:
        """Returns a row of scores per crop.

        Raises:
            ContractError: crops of another size, or CAMs of a model that has none.
            EngineError: the engine is closed, the GPU failed, or a value is not finite.
        """
        contract = self._contract
        if not self._plans:
            raise EngineError(f"{contract.name} is closed; open the engine again")
        if len(crops) and crops.size != contract.input_size:
            raise ContractError(
                f"{contract.name} takes crops of {contract.input_size} px, got {crops.size}"
            )
        if cams and not contract.has_cams:
            raise ContractError(f"{contract.name} has no CAM output; export it with --cam gradcam")
        names = output_names(contract, cams=cams)
        return scores_of(
            contract, dict(zip(names, self._run(crops.images_rgb, names), strict=True))
        )

    def close(self) -> None:
        """Frees contexts, engines and GPU memory; may be called twice."""
        for plan in self._plans.values():
            plan.close()
        self._plans = {}
        self._cuda.close()

    def __enter__(self) -> TensorRTEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, images_rgb: Image, names: tuple[str, ...]) -> list[np.ndarray]:
        plan = self._plans[CAMS in names]
        if not len(images_rgb):
            return [np.zeros((0, *plan.row_shape(name)), np.float32) for name in names]
        starts = range(0, len(images_rgb), self.max_batch)
        runs = [plan.run(images_rgb[k : k + self.max_batch], names) for k in starts]
        if len(runs) == 1:
            return list(runs[0])
        return [np.concatenate(rows) for rows in zip(*runs, strict=True)]

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
            grey = np.full((rows, size, size, 3), 128, np.uint8)
            for with_cams, plan in self._plans.items():
                for _ in range(WARM_RUNS):
                    plan.run(grey, output_names(self._contract, cams=with_cams))


def _twin(path: Path, build: EngineBuild) -> Path | None:
    """Returns the engine without CAMs that belongs to one with them, checked, if there is one."""
    if build.without_cams is None:
        return None
    twin = path.with_name(build.without_cams)
    _, twin_build = read_sidecar(twin)
    check_file(twin, twin_build)
    for field in ("library", "version", "precision", "batch", "onnx_sha256"):
        wanted, got = getattr(build, field), getattr(twin_build, field)
        if wanted != got:
            raise ContractError(
                f"{twin}: {field} must be {wanted} as in {path.name}, got {got}; {build.remedy}"
            )
    return twin


def _check_signature(plan: Plan, contract: ModelContract, path: Path, *, with_cams: bool) -> None:
    """Raises ContractError unless the tensors are those the contract tells of."""
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
