"""The table from Action Units to the shapes of the VALID avatars, beside that of ICT-FaceKit.

Sources: Ekman, Friesen & Hager, "Facial Action Coding System: The Manual" (2002), for what an
action does; the avatars' shapes are by Autodesk Character Generator. Weights were chosen by looking
at renders beside those of the other head model. Actions that no shape shows are not in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rtau_train.synth.shapes import strength

# AU -> (shape, weight at intensity 5). `#` is the person's side, L or R: a shape with it is a pair.
AVATAR_SHAPES: Final[Mapping[int, tuple[tuple[str, float], ...]]] = {
    1: (("#browUp", 1.5), ("#sad", 0.3)),
    2: (("##browUp", 1.7), ("#browUp", 0.25)),
    4: (("#browDown", 1.8), ("##browDown", 1.1)),
    5: (("#eyeOpen", 1.3),),
    6: (("#squint", 0.4), ("#lowLid", 0.7)),
    9: (("#disgust", 0.9), ("#nostril", 1.0), ("#browDown", 0.35), ("#lowLid", 0.25)),
    12: (("#smileClose", 1.15),),
    15: (("#mouthSad", 1.2),),
    17: (("Chin", 1.7), ("JawCompress", 0.3)),
    # No shape pulls the corners sideways alone: a smile and a frown do together.
    20: (("#smileClose", 0.8), ("#mouthSad", 0.85), ("#lipCorner", 0.5), ("#neckTension", 1.0)),
    25: (("#lipDown", 0.6), ("#lipUp", 0.25)),
    26: (("MouthOpen", 0.65),),
    7: (("#lowLid", 0.7), ("#squint", 0.2)),
    10: (("#lipUp", 0.9), ("#nostril", 0.4)),
    18: (("Kiss", 0.8),),
    22: (("SH_CH", 0.8),),
    33: (("#blow", 0.8),),
    45: (("#eyeClose", 1.0),),
}
# Lids that close by more cut through the eyeball.
_MOST_SHUT: Final = 1.0
_SHUTTING: Final = {"squint": 0.55, "eyeClose": 1.0}


def avatar_weights(
    intensities: Mapping[int, float],
    /,
    *,
    tilts: Mapping[int, float],
    gains: Mapping[str, float],
) -> dict[str, float]:
    """Returns the weight of each shape for the AUs' intensities (0-5); other AUs are left out.

    Args:
        intensities: of actions.
        tilts: makes actions one-sided, as `shapes.shape_weights` does.
        gains: how much more or less this person does, by shape without its side.
    """
    weights: dict[str, float] = {}
    for au, intensity in intensities.items():
        if intensity <= 0:
            continue
        for shape, full in AVATAR_SHAPES.get(au, ()):
            gain = gains.get(shape, 1.0) * full * strength(intensity)
            for side, tilt in (("L", 1.0), ("R", -1.0)) if "#" in shape else (("", 0.0),):
                name = shape.replace("#", side)
                share = 1.0 + tilt * tilts.get(au, 0.0)
                weights[name] = weights.get(name, 0.0) + gain * share
    for side in "LR":
        shut = sum(share * weights.get(side + name, 0.0) for name, share in _SHUTTING.items())
        if shut > _MOST_SHUT:
            for name in _SHUTTING:
                weights[side + name] = weights.get(side + name, 0.0) * _MOST_SHUT / shut
    return weights
