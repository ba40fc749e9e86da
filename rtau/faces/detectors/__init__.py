"""What finds faces: which detectors there are, and how one is opened from a run's settings.

A literal table, imported from only when a detector is opened. Detectors look at one frame and keep
no state; when they look, and what is believed, is decided by the face tracker. The command line
calls `open_detector`.
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
    """Returns the Haar detector, or one that replays a CSV of faces if there is one.

    Args:
        min_face: smallest face looked for: px (`60`), a share of the frame's height (`12%`), or
            `auto`; without effect on recorded faces.
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
    """Returns the keyword arguments of `HaarDetector` that a `--min-face` means.

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
