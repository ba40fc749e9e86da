"""Trackers: the table of implementations, and opening one by name.

Modules are imported when a tracker is opened. Trackers take boxes and times, never pixels.
"""

from __future__ import annotations

import importlib
from typing import cast

from rtau.errors import UsageError
from rtau.protocols import Tracker

# Name -> (module, class).
TRACKERS: dict[str, tuple[str, str]] = {
    "iou": ("rtau.faces.trackers.iou", "IouTracker"),
    "untracked": ("rtau.faces.trackers.untracked", "Untracked"),
}


def open_tracker(name: str = "iou") -> Tracker:
    """Returns a new tracker: `iou` for video, `untracked` for unrelated images.

    Raises:
        UsageError: no tracker has that name.
    """
    if name not in TRACKERS:
        raise UsageError(f"tracker must be one of {', '.join(TRACKERS)}, got {name!r}")
    module_name, class_name = TRACKERS[name]
    return cast(Tracker, getattr(importlib.import_module(module_name), class_name)())
