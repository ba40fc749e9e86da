"""How much ONNX Runtime prints on standard error: nothing, or with `--verbose` its warnings.

Called by the engine and by the face alignment network; imports no library.
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

# ONNX Runtime's severities. Its errors are raised as well, and told by rtau's own line.
WARNINGS, FATAL_ONLY = 2, 4


def log_severity() -> int:
    """Returns the least severity that a session prints; it follows the level of rtau's loggers."""
    return WARNINGS if log.isEnabledFor(logging.INFO) else FATAL_ONLY
