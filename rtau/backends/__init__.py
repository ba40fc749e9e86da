"""The libraries that run models: which file goes to which, and where bundled models lie.

A literal table, imported from only when a model is opened; a backend that is not installed is an
error that names the extra. The command line and programs call `open_engine`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from rtau.errors import BackendUnavailable, UsageError
from rtau.protocols import Engine

# File suffix -> (module, class, the pip extra that brings the library).
BACKENDS: dict[str, tuple[str, str, str]] = {
    ".onnx": ("rtau.backends.onnx", "OnnxEngine", "cpu"),
    ".engine": ("rtau.backends.tensorrt", "TensorRTEngine", "tensorrt"),
}
# Provider -> the same, where a library of its own runs an ONNX file instead of ONNX Runtime.
PROVIDER_BACKENDS: dict[str, tuple[str, str, str]] = {
    "openvino": ("rtau.backends.openvino", "OpenVINOEngine", "openvino"),
}


def open_engine(model: str, *, provider: str = "auto", threads: int = 0) -> Engine:
    """Returns a warm engine for a bundled model's name or a model file.

    Args:
        model: a path, or the name of a bundled model such as `shufflenetv2-au12`.
        provider: what must execute it (`cpu`, `cuda`, ...), or `auto` for the best that works.
        threads: threads for one batch; 0 leaves the choice to the backend.

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
    """Returns the models that came with rtau: name -> file."""
    spec = importlib.util.find_spec("rtau_engines")
    folders: list[Any] = [] if spec is None else list(spec.submodule_search_locations or [])
    return {path.stem: path for folder in folders for path in sorted(Path(folder).glob("*.onnx"))}


def find_model(model: str) -> Path:
    """Returns the file of a bundled model's name, or the path itself if it is a file.

    Raises:
        UsageError: it is neither.
    """
    path = Path(model)
    if path.is_file():
        return path
    bundled = bundled_models()
    if model in bundled:
        return bundled[model]
    names = ", ".join(bundled) or "none (is rtau_engines installed?)"
    raise UsageError(f"{model}: no such model file, and no bundled model of that name ({names})")
