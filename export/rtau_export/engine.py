"""ONNX to TensorRT engine: one builder for TensorRT 10, TensorRT 11 and TensorRT for RTX.

Needs neither torch nor onnx, so it runs on the device. Writes the plan TensorRT makes, byte for
byte, a CAM-less variant, and a JSON beside each. Running engines is `rtau.backends.tensorrt`;
`rtau-export engine` calls this.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from rtau.backends.engine_file import (
    SUFFIX,
    EngineBuild,
    sidecar_path,
    sidecar_text,
    this_platform,
)
from rtau.backends.tensorrt_library import (
    TensorRT,
    installed_libraries,
    load_tensorrt,
    logged,
    quiet_logger,
)
from rtau.backends.tensors import INPUT
from rtau.contract import ModelContract, Precision
from rtau.errors import ContractError, EngineError, UsageError, one_line
from rtau_export._engine_cache import EngineCache, EngineKey, write_whole
from rtau_export._engine_profiles import BatchProfile, PrecisionPlan, plan_precision
from rtau_export.engine_progress import Shown, monitor_for, shown_on_stderr
from rtau_export.engine_target import EngineRequest, Target, choose_library, choose_target
from rtau_export.onnx_file import OnnxFile, read_onnx

CAM_LESS = "-nocam"


@dataclasses.dataclass(frozen=True, slots=True)
class BuiltEngine:
    """One engine file that was written."""

    path: Path
    build: EngineBuild
    size_bytes: int
    from_cache: bool


def build_engines(
    onnx: Path,
    request: EngineRequest,
    /,
    *,
    out: Path | None = None,
    cache: EngineCache | None = None,
    shown: Shown = shown_on_stderr,
    tensorrt: TensorRT | None = None,
) -> list[BuiltEngine]:
    """Returns the engine files written for an ONNX file: the engine, then its CAM-less variant.

    Args:
        onnx: a model with its contract in the metadata.
        request: precision, batch, GPU, flavour.
        out: where the engine goes: a file, or a folder for NAME-PRECISION.engine; None: the
            model's folder.
        cache: engines built before; None builds again and keeps nothing.
        shown: shows a build's progress.
        tensorrt: a loaded TensorRT; None loads the one the request leads to.

    Raises:
        ContractError: the model is broken, or TensorRT's parser refuses it.
        BackendUnavailable: no TensorRT, or it needs a GPU and there is none.
        UsageError: the request contradicts the model, the library or this machine.
        EngineError: TensorRT could not build it.
    """
    source = read_onnx(onnx)
    if source.contract.int8_profile == "cpu":
        raise UsageError(
            f"{onnx}: its int8 is made for CPUs, which TensorRT's parser refuses; export it again "
            "with rtau-export onnx and the int8 profile for TensorRT (trt)"
        )
    tensorrt = tensorrt or load_tensorrt(choose_library(request, installed_libraries()))
    precision = plan_precision(
        request.precision,
        source.contract.precision,
        has_flags=tensorrt.has_precision_flags,
        name=onnx.stem,
    )
    path = _out_path(onnx, out, precision.precision)
    target = choose_target(tensorrt, request.generations)
    job = _Job(tensorrt, target, precision, request.batch, cache, shown)
    contract = _contract_of(source.contract, precision.precision, request.batch)
    cam_less = path.with_name(f"{path.stem}{CAM_LESS}{SUFFIX}")
    if not (request.cam_less and contract.has_cams):
        return [job.write(source, source.content, path=path, contract=contract, cam_less=None)]
    # The CAM-less variant first: an engine never names a file that does not exist yet.
    bare = dataclasses.replace(contract, cam_method=None, cam_scale=None)
    cut = source.content_without_cams
    without = job.write(source, cut, path=cam_less, contract=bare, cam_less=None)
    try:
        full = job.write(
            source, source.content, path=path, contract=contract, cam_less=cam_less.name
        )
    except BaseException:
        for left_over in (cam_less, sidecar_path(cam_less)):  # a variant needs its model
            left_over.unlink(missing_ok=True)
        raise
    return [full, without]


@dataclasses.dataclass(frozen=True, slots=True)
class _Job:
    """What all engines of one request have in common."""

    tensorrt: TensorRT
    target: Target
    precision: PrecisionPlan
    batch: BatchProfile
    cache: EngineCache | None
    shown: Shown

    def write(
        self,
        source: OnnxFile,
        content: bytes,
        *,
        path: Path,
        contract: ModelContract,
        cam_less: str | None,
    ) -> BuiltEngine:
        """Returns an engine file, taken from the cache or built, with its JSON beside it."""
        plan, from_cache = self._plan(source, content)
        build = EngineBuild(
            library=self.tensorrt.library,
            version=self.tensorrt.version,
            platform=this_platform(),
            gpu=None if self.target.gpu is None else self.target.gpu.name,
            compute_capabilities=self.target.generations,
            precision=self.precision.precision,
            typing=self.precision.typing,
            batch=self.batch.rows,
            onnx=source.path.name,
            onnx_sha256=source.sha256,
            engine_sha256=hashlib.sha256(plan).hexdigest(),
            without_cams=cam_less,
        )
        write_whole(path, plan)
        write_whole(sidecar_path(path), sidecar_text(contract, build).encode())
        return BuiltEngine(path, build, size_bytes=len(plan), from_cache=from_cache)

    def _plan(self, source: OnnxFile, content: bytes) -> tuple[bytes, bool]:
        """Returns a plan and whether it was kept from an earlier build."""
        if self.cache is None:
            return self._build(source, content), False
        key = EngineKey(
            onnx_sha256=hashlib.sha256(content).hexdigest(),
            library=str(self.tensorrt),
            target=str(self.target),
            precision=f"{self.precision.precision}, {self.precision.typing}",
            batch=self.batch.rows,
        )
        with self.cache.lock(self.cache.path(key)):
            kept = self.cache.read(key)
            if kept is not None:
                return kept, True
            plan = self._build(source, content)
            self.cache.keep(key, plan)
        return plan, False

    def _build(self, source: OnnxFile, content: bytes) -> bytes:
        """Returns the plan TensorRT makes of an ONNX model."""
        module, logger = self.tensorrt.module, quiet_logger(self.tensorrt)
        builder = module.Builder(logger)
        network = builder.create_network(_creation_flags(module, strong=self.is_strong))
        parser = module.OnnxParser(network, logger)
        if not parser.parse(content):
            raise _parser_error(parser, source.path, self.tensorrt)
        config = self._config(builder, source)
        timings = self._timings(config)
        what = "" if content is source.content else " without heatmaps"
        title = (
            f"building {source.path.name}{what} for {self.target}, {self.precision.precision}, up "
            f"to {self.batch.greatest} rows, with {self.tensorrt}"
        )
        with self.shown(title) as phases:
            config.progress_monitor = monitor = monitor_for(module, phases)
            plan = builder.build_serialized_network(network, config)
        del monitor  # TensorRT calls it for as long as the build runs
        if phases.interrupted:
            raise KeyboardInterrupt
        if plan is None:
            raise EngineError(
                f"{source.path}: {self.tensorrt} could not build it for {self.target} "
                f"({logged(logger)}); free GPU memory, or ask for fewer rows with --batch"
            )
        if timings is not None and self.cache is not None:
            write_whole(timings, bytes(config.get_timing_cache().serialize()))
        return bytes(plan)

    @property
    def is_strong(self) -> bool:
        """True when every type is taken from the ONNX file."""
        return self.precision.typing == "strong"

    def _config(self, builder: Any, source: OnnxFile) -> Any:
        module = self.tensorrt.module
        config = builder.create_builder_config()
        for name in self.precision.flags:
            config.set_flag(getattr(module.BuilderFlag, name))
        # fp32 means fp32: TF32 keeps 10 bits of each factor and is on unless it is cleared.
        config.clear_flag(module.BuilderFlag.TF32)
        if self.tensorrt.is_rtx and self.target.generations:
            config.num_compute_capabilities = len(self.target.generations)
            for k, generation in enumerate(self.target.generations):
                chosen = getattr(module.ComputeCapability, f"SM{generation.replace('.', '')}")
                config.set_compute_capability(chosen, k)
        side = source.contract.input_size
        profile = builder.create_optimization_profile()
        profile.set_shape(INPUT, *((rows, side, side, 3) for rows in self.batch.rows))
        config.add_optimization_profile(profile)
        return config

    def _timings(self, config: Any) -> Path | None:
        """Returns where timings are kept, having given those from before to the builder.

        TensorRT for RTX times nothing: its timing cache is a deprecated no-op.
        """
        if self.cache is None or self.tensorrt.is_rtx:
            return None
        path = self.cache.timing_path(str(self.tensorrt), str(self.target))
        kept = config.create_timing_cache(self.cache.read_timings(path))
        if not config.set_timing_cache(kept, False):
            config.set_timing_cache(config.create_timing_cache(b""), False)
        return path


def _creation_flags(module: Any, *, strong: bool) -> int:
    """Returns TensorRT's bit mask for a new network."""
    kinds = module.NetworkDefinitionCreationFlag
    # TensorRT 11 knows strong typing alone and may drop the flag.
    return 1 << int(kinds.STRONGLY_TYPED) if strong and hasattr(kinds, "STRONGLY_TYPED") else 0


def _parser_error(parser: Any, path: Path, tensorrt: TensorRT) -> ContractError:
    errors = [parser.get_error(k) for k in range(parser.num_errors)]
    if not errors:
        return ContractError(f"{path}: {tensorrt}'s parser refuses it without a reason")
    first = errors[0]
    where = f"node {first.node_name()!r} ({first.node_operator()})" if first.node_name() else "it"
    return ContractError(
        f"{path}: {tensorrt}'s parser refuses {where}: {one_line(first.desc())}; export the model "
        "again with `rtau-export onnx` (int8: with its profile for TensorRT)"
    )


def _contract_of(model: ModelContract, precision: Precision, batch: BatchProfile) -> ModelContract:
    """Returns the contract of an engine of a model."""
    # The parity of the file does not hold for a precision that TensorRT lowers itself.
    parity = model.parity if precision == model.precision else None
    return dataclasses.replace(model, precision=precision, max_batch=batch.greatest, parity=parity)


def _out_path(onnx: Path, out: Path | None, precision: Precision) -> Path:
    if out is None or out.is_dir():
        ending = "" if onnx.stem.endswith(f"-{precision}") else f"-{precision}"
        return (out or onnx.parent) / f"{onnx.stem}{ending}{SUFFIX}"
    if out.suffix != SUFFIX:
        raise UsageError(f"--out must end in {SUFFIX} or be a folder that exists, got {out}")
    return out
