"""Loads the installed TensorRT: its variant, its version and its error messages.

Three variants have nearly the same Python interface: TensorRT 10 (JetPack 6), TensorRT 11 (types
only as in the ONNX file) and TensorRT for RTX (builds without a GPU).
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from typing import Any, get_args

from rtau.backends.engine_file import Library
from rtau.errors import BackendUnavailable, one_line

INSTALL: dict[Library, str] = {
    "tensorrt": "on a Jetson it comes with JetPack: sudo apt install nvidia-jetpack, and make the "
    "environment with python3 -m venv --system-site-packages; on a PC: "
    'pip install "rtau[tensorrt]"',
    "tensorrt_rtx": 'pip install "rtau[tensorrt-rtx]"',
}
# The bindings for CUDA 12 run with drivers for CUDA 12 and 13, on Python 3.10 and on aarch64.
CUDA_BINDINGS = "'cuda-bindings>=12.9,<13'"
OLDEST_MAJOR = 10


@dataclasses.dataclass(frozen=True, slots=True)
class TensorRT:
    """A loaded TensorRT."""

    library: Library
    """Name of its Python module."""
    module: Any
    """The module."""

    @property
    def version(self) -> str:
        """Version of the module: `10.3.0`."""
        return str(self.module.__version__)

    @property
    def is_rtx(self) -> bool:
        """True for TensorRT for RTX: builds without a GPU, compiles the rest where it runs."""
        return self.library == "tensorrt_rtx"

    @property
    def has_precision_flags(self) -> bool:
        """True when the builder can lower the precision of a float32 graph (TensorRT 10)."""
        return hasattr(self.module.BuilderFlag, "FP16")

    def __str__(self) -> str:
        return f"{self.library} {self.version}"


def installed_libraries() -> tuple[Library, ...]:
    """Returns the installed variants, `tensorrt` first."""
    names: tuple[Library, ...] = get_args(Library)
    return tuple(name for name in names if importlib.util.find_spec(name) is not None)


def load_tensorrt(library: Library) -> TensorRT:
    """Returns a variant of TensorRT, imported.

    Raises:
        BackendUnavailable: it is not installed, cannot be imported, or is older than TensorRT 10.
    """
    try:
        module = importlib.import_module(library)
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"the Python module {error.name!r} is not installed; {INSTALL[library]}"
        ) from None
    except (ImportError, OSError) as error:  # its libraries need CUDA's, of one version
        raise BackendUnavailable(
            f"{library} is installed but does not load ({one_line(error)}); {INSTALL[library]}"
        ) from None
    loaded = TensorRT(library, module)
    if library == "tensorrt" and int(loaded.version.split(".")[0]) < OLDEST_MAJOR:
        raise BackendUnavailable(
            f"TensorRT must be {OLDEST_MAJOR} or newer, got {loaded.version}; use JetPack 6, or "
            f"on a PC: {INSTALL[library]}"
        )
    return loaded


def load_cuda_driver() -> Any:
    """Returns the module `rtau.backends._cuda_driver`, imported.

    Raises:
        BackendUnavailable: cuda-bindings is not installed.
    """
    try:
        return importlib.import_module("rtau.backends._cuda_driver")
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"the GPU is reached through the Python module {error.name!r}, which is not installed; "
            f"pip install {CUDA_BINDINGS}"
        ) from None


def quiet_logger(tensorrt: TensorRT) -> Any:
    """Returns a logger that prints nothing and appends errors to its list `errors`."""
    base = tensorrt.module.ILogger
    worst = (base.INTERNAL_ERROR, base.ERROR)

    class QuietLogger(base):  # type: ignore[misc,valid-type]  # known only once it is loaded
        def __init__(self) -> None:
            base.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in worst:
                self.errors.append(message)

    return QuietLogger()


def logged(logger: Any) -> str:
    """Returns the last error of a logger, for an error message."""
    return one_line(logger.errors[-1]) if logger.errors else "it gave no reason"
