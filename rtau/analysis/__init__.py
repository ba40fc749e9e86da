"""Pure functions on tables of results: events, summaries, agreement between raters.

    from rtau import analysis, read_csv
    analysis.summary(read_csv("clip.csv")).to_pandas()

They open no file and take the tables of `rtau.read_csv` and `Detector.table`.
"""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module that defines it.
_HOMES = {
    "Codes": "rtau.analysis.codes",
    "Event": "rtau.analysis.event_detection",
    "EventRule": "rtau.analysis.event_detection",
    "codes_of_face": "rtau.analysis.codes",
    "coder_codes": "rtau.analysis.coder_files",
    "compare": "rtau.analysis.comparison",
    "events": "rtau.analysis.event_detection",
    "files_of": "rtau.analysis.face_series",
    "find_events": "rtau.analysis.event_detection",
    "summary": "rtau.analysis.face_summary",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtau.analysis' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
