"""rtau: a real-time detector of facial Action Units.

Importing it costs next to nothing: public names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> module that defines it.
_HOMES = {
    "AU": "rtau.facs",
    "Crops": "rtau.data",
    "Detector": "rtau.detector",
    "Face": "rtau.face",
    "Faces": "rtau.data",
    "Frame": "rtau.data",
    "FrameResult": "rtau.data",
    "ModelContract": "rtau.contract",
    "Pipeline": "rtau.pipeline",
    "RtauError": "rtau.errors",
    "RunConfig": "rtau.config",
    "Runner": "rtau.execution.runner",
    "Scores": "rtau.data",
    "Table": "rtau.table",
    "read_csv": "rtau.table",
}

__all__ = ["__version__", "analysis", *_HOMES]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name == "analysis":
        return importlib.import_module("rtau.analysis")
    if name not in _HOMES:
        raise AttributeError(f"module 'rtau' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
