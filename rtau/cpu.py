"""How many cores this process may use; the one place that asks."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Returns the cores this process may use: fewer than the machine has, if it is bound to some.

    Where the system does not tell (macOS, Windows), those of the machine.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
