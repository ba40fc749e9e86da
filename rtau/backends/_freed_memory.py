"""Gives memory back that loading a model took and freed.

The C library of most Linux systems keeps it for itself: 9 MB of a run's 200 after ONNX Runtime has
loaded a model. Other systems have no such call. Called by `rtau.backends.onnx`.
"""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Returns what the process has freed to the system, where the C library can."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
