"""Engines run models: `open_engine` picks ONNX Runtime, OpenVINO or TensorRT and opens a model.

A backend is imported when a model is opened; if it is not installed, the error names the extra.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from rtau.errors import BackendUnavailable, UsageError
from rtau.protocols import Engine

# ONNX Runtime (1.32, at the latest) reports its use to Microsoft unless this is set before it is
# loaded. Every module that loads it lies in this package or in one that imports this first.
TELEMETRY = "ORT_DISABLE_TELEMETRY"
os.environ.setdefault(TELEMETRY, "1")

# File suffix -> (module, class, pip extra that installs the library).
BACKENDS: dict[str, tuple[str, str, str]] = {
    ".onnx": ("rtau.backends.onnx", "OnnxEngine", "cpu"),
    ".engine": ("rtau.backends.tensorrt", "TensorRTEngine", "tensorrt"),
}
# The bundled network that verifies faces: it scores none, and is no model to choose.
FACE_ALIGNMENT = "face-align.onnx"
# Provider -> the same, for ONNX files that another library than ONNX Runtime runs.
PROVIDER_BACKENDS: dict[str, tuple[str, str, str]] = {
    "openvino": ("rtau.backends.openvino", "OpenVINOEngine", "openvino"),
}


def open_engine(model: str, *, provider: str = "auto", threads: int = 0) -> Engine:
    """Returns an engine, warmed up, for a bundled model's name or a model file.

    Args:
        model: a path, or the name of a bundled model such as `shufflenetv2-au14`.
        provider: what executes it (`cpu`, `cuda`, ...); `auto` takes the first available.
        threads: threads for one batch; 0 lets the backend choose.

    Raises:
        UsageError: no such model, or a file type no backend reads.
        BackendUnavailable: the backend's library or the provider is not on this machine.
        ContractError: the model has no valid contract or breaks it.
    """
    path = find_model(model)
    if path.suffix not in BACKENDS:
        raise UsageError(f"{path}: model files end in {', '.join(BACKENDS)}, got {path.suffix!r}")
    chosen = BACKENDS[path.suffix]
    if path.suffix == ".onnx":
        chosen = PROVIDER_BACKENDS.get(provider, chosen)
    module_name, class_name, extra = chosen
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"{path.name} needs the Python module {error.name!r}, which is not installed; "
            f'install it: pip install "rtau[{extra}]"'
        ) from None
    build = cast(Callable[..., Engine], getattr(module, class_name))
    return build(path, provider=provider, threads=threads)


def bundled_models() -> dict[str, Path]:
    """Returns the models that are installed with rtau: name -> file."""
    spec = importlib.util.find_spec("rtau_engines")
    folders: list[Any] = [] if spec is None else list(spec.submodule_search_locations or [])
    return {
        path.stem: path
        for folder in folders
        for path in sorted(Path(folder).glob("*.onnx"))
        if path.name != FACE_ALIGNMENT
    }


def find_model(model: str) -> Path:
    """Returns the path of a model file or of a bundled model's name.

    Raises:
        UsageError: there is no such file and no such name.
    """
    path = Path(model)
    if path.is_file():
        return path
    bundled = bundled_models()
    if model in bundled:
        return bundled[model]
    names = ", ".join(bundled) or "none (is rtau_engines installed?)"
    raise UsageError(f"{model}: no such model file, and no bundled model of that name ({names})")
