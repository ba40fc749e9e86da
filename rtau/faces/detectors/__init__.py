"""Face detectors: the table of implementations, and opening one from a run's settings.

Modules are imported when a detector is opened. Detectors are stateless; the face tracker decides
when they run and which detections count.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import cast

from rtau.errors import ConfigError
from rtau.protocols import Detector

# Name -> (module, class). `haar` is also the name in a contract's crop rule.
DETECTORS: dict[str, tuple[str, str]] = {
    "haar": ("rtau.faces.detectors.haar", "HaarDetector"),
    "recorded": ("rtau.faces.detectors.recorded", "RecordedDetector"),
}


def open_detector(*, min_face: str = "auto", faces: Path | None = None) -> Detector:
    """Returns the Haar detector, or one that replays the boxes of a CSV.

    Args:
        min_face: smallest face to detect: px (`60`), a share of the frame's height (`12%`), or
            `auto`; no effect on recorded faces.
        faces: CSV that rtau wrote; its boxes are replayed instead of detecting.

    Raises:
        ConfigError: `min_face` is none of the three, or the CSV holds no faces.
        DetectorError: this OpenCV cannot detect faces.
    """
    smallest = parse_min_face(min_face)
    module_name, class_name = DETECTORS["haar" if faces is None else "recorded"]
    kind = getattr(importlib.import_module(module_name), class_name)
    return cast(Detector, kind(**smallest) if faces is None else kind(faces))


def parse_min_face(text: str) -> dict[str, float]:
    """Returns the keyword arguments of `HaarDetector` for a value of `--min-face`.

    Raises:
        ConfigError: neither px, nor a share such as `12%`, nor `auto`.
    """
    if text == "auto":
        return {}
    is_share = text.endswith("%")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = math.nan
    if is_share and 0 < value <= 100:
        return {"min_face_share": value / 100}
    if not is_share and 1 <= value < math.inf:
        return {"min_face_px": value}
    raise ConfigError(
        f"--min-face must be a size in px (60), a share of the frame's height (12%) or auto, "
        f"got {text!r}"
    )
