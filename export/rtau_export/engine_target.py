"""What an engine is asked to be, and which TensorRT and GPU that leads to.

TensorRT tunes on the GPU of this machine; TensorRT for RTX builds ahead of time for generations of
GPUs. Nothing is built here; `rtau_export.engine` calls it.
"""

from __future__ import annotations

import dataclasses

from rtau.backends.engine_file import Gpu, Library
from rtau.backends.tensorrt_library import INSTALL, TensorRT, load_cuda_driver
from rtau.contract import Precision
from rtau.errors import BackendUnavailable, UsageError
from rtau_export._engine_profiles import BatchProfile


@dataclasses.dataclass(frozen=True, slots=True)
class EngineRequest:
    """The engine that is to be built."""

    precision: Precision | None = None
    """None for that of the ONNX file."""
    batch: BatchProfile = dataclasses.field(default_factory=lambda: BatchProfile(1, 8, 32))
    generations: tuple[str, ...] = ()
    """GPU generations to build ahead for; none: this machine's, or with RTX all from 8.0 on."""
    library: Library | None = None
    """None: TensorRT where it is installed and `generations` is empty, else TensorRT for RTX."""
    cam_less: bool = True
    """Also build an engine without CAMs, which runs while no heatmap is shown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """The GPU or the generations an engine is for."""

    gpu: Gpu | None
    """The GPU of this machine; None when built ahead of time."""
    generations: tuple[str, ...]
    """GPU generations; none: every one that the library builds for by default."""

    def __str__(self) -> str:
        if self.gpu is not None:
            return str(self.gpu)
        return ", ".join(f"sm_{g.replace('.', '')}" for g in self.generations) or "any RTX GPU"


def choose_library(request: EngineRequest, installed: tuple[Library, ...]) -> Library:
    """Returns the flavour of TensorRT that builds.

    Raises:
        BackendUnavailable: none is installed.
    """
    if request.library is not None:
        return request.library
    if not installed:
        raise BackendUnavailable(
            f"no TensorRT is installed; {INSTALL['tensorrt']}; to build without a GPU: "
            f"{INSTALL['tensorrt_rtx']}"
        )
    if request.generations and "tensorrt_rtx" in installed:
        return "tensorrt_rtx"
    return installed[0]


def choose_target(tensorrt: TensorRT, generations: tuple[str, ...]) -> Target:
    """Returns what to build for.

    Raises:
        UsageError: generations this library cannot build for.
        BackendUnavailable: TensorRT tunes on the GPU, and there is none.
    """
    if tensorrt.is_rtx:
        known = _rtx_generations(tensorrt)
        for generation in generations:
            if generation not in known:
                raise UsageError(
                    f"{tensorrt} builds for {', '.join(known)}, got --for {generation}; leave "
                    "--for out for an engine that runs on all of them from 8.0 on"
                )
        return Target(gpu=None, generations=generations)
    gpu = _this_gpu(tensorrt)
    if any(generation != gpu.compute_capability for generation in generations):
        raise UsageError(
            f"{tensorrt} tunes an engine on the GPU it is for, and this one is {gpu}, got --for "
            f"{', '.join(generations)}; run the command on that device, or add --library "
            "tensorrt-rtx to build ahead of time"
        )
    return Target(gpu=gpu, generations=(gpu.compute_capability,))


def _rtx_generations(tensorrt: TensorRT) -> tuple[str, ...]:
    names = [name for name in dir(tensorrt.module.ComputeCapability) if name.startswith("SM")]
    numbers = sorted(int(name.removeprefix("SM")) for name in names)
    return tuple(f"{number // 10}.{number % 10}" for number in numbers)


def _this_gpu(tensorrt: TensorRT) -> Gpu:
    driver = load_cuda_driver()
    try:
        gpu: Gpu = driver.find_gpu()
    except BackendUnavailable as error:
        raise BackendUnavailable(
            f"{tensorrt} tunes an engine on the GPU it is for; {error}; to build ahead of time "
            "without a GPU: rtau-export engine --library tensorrt-rtx"
        ) from None
    return gpu
