"""What proposes faces: the Haar cascade, and how its smallest face is set."""

from __future__ import annotations

import math

from rtau.errors import ConfigError
from rtau.geometry import MAX_PX


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
    if not is_share and 1 <= value < MAX_PX:
        return {"min_face_px": value}
    raise ConfigError(
        f"--min-face must be a size in px (60), a share of the frame's height (12%) or auto, "
        f"got {text!r}"
    )
