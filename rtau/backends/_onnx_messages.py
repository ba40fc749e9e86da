"""How much ONNX Runtime prints on standard error: nothing, or with `--verbose` its warnings.

Called by what loads ONNX Runtime or opens a session; imports no library.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

log = logging.getLogger(__name__)

# ONNX Runtime's severities. Its errors are raised as well, and told by rtau's own line.
WARNINGS, FATAL_ONLY = 2, 4
# Part of the lines about a processor that ONNX Runtime does not know or cannot read about in /sys
# (emulated aarch64, slim sandboxes). They mean nothing for results, and no setting stops them.
ABOUT_PROCESSOR = (b"cpuinfo", b"cpuid_info")
_STDERR = 2


def log_severity() -> int:
    """Returns the least severity that a session prints; it follows the level of rtau's loggers."""
    return WARNINGS if log.isEnabledFor(logging.INFO) else FATAL_ONLY


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Keeps back what ONNX Runtime prints of the processor while it is loaded inside the block.

    Whatever else is printed on standard error meanwhile comes after the block. Nothing is kept back
    when rtau's loggers are verbose, or where there is no room for a temporary file.
    """
    with contextlib.ExitStack() as opened:
        if log_severity() == FATAL_ONLY and "onnxruntime" not in sys.modules:
            # No standard error, or no folder for temporary files: it is loaded all the same.
            with contextlib.suppress(OSError):
                opened.enter_context(_standard_error_filtered())
        yield


@contextlib.contextmanager
def _standard_error_filtered() -> Iterator[None]:
    with tempfile.TemporaryFile() as printed:
        real = os.dup(_STDERR)
        os.dup2(printed.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(real, _STDERR)
            os.close(real)
            printed.seek(0)
            others = [line for line in printed if not any(part in line for part in ABOUT_PROCESSOR)]
            with contextlib.suppress(OSError):  # a full standard error costs the message only
                os.write(_STDERR, b"".join(others))
