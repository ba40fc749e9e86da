"""The table from Action Units to blend shapes, and how strongly a FACS intensity moves them.

Sources: for what an action does, Ekman, Friesen & Hager, "Facial Action Coding System: The Manual"
(2002), the chapter of each AU; for the names, the expression shapes of ICT-FaceKit (Li et al.,
"Learning Formation of Physically-Based Face Attributes", CVPR 2020), which follow ARKit. ICT's own
list calls `mouthUpperUp` AU 11; it is read as AU 10 here, as ARKit does and as it looks. Weights
were chosen by looking at renders beside the manual's descriptions. A name ending in `*` is a pair,
`_L` and `_R`; names that ICT-FaceKit does not have are made in `sculpt.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

# AU -> (shape, weight at intensity 5). The comment is the manual's description in few words.
AU_SHAPES: Final[Mapping[int, tuple[tuple[str, float], ...]]] = {
    # Frontalis, medial: inner ends of the brows up, often oblique.
    1: (("browInnerUp_*", 1.2),),
    # Frontalis, lateral: outer part of the brows up and arched.
    2: (("browOuterUp_*", 1.05),),
    # Corrugator, depressor, procerus: brows down and together, a bulge between them.
    4: (("browDown_*", 1.25), ("browPinch_*", 1.2), ("eyeSquint_*", 0.15)),
    # Levator palpebrae: upper lid up, more of the white above the iris.
    5: (("eyeWide_*", 1.4),),
    # Orbicularis oculi, orbital part: cheeks up, skin drawn towards the eye.
    6: (
        ("cheekSquint_*", 0.8),
        ("cheekRaiser_*", 0.8),
        ("cheekBulge_*", 1.0),
        ("eyeSquint_*", 0.5),
        ("eyeBlink_*", 0.05),
    ),
    # Levator labii alaeque nasi: nostril wings and the skin along the nose up, brows drawn down.
    9: (
        ("noseWrinkle_*", 1.0),
        ("noseSneer_*", 0.28),
        ("browDown_*", 0.38),
        ("browPinch_*", 0.4),
        ("eyeSquint_*", 0.3),
        ("cheekSquint_*", 0.25),
    ),
    # Zygomaticus major: lip corners up and back.
    12: (("mouthSmile_*", 1.08), ("cheekBulge_*", 0.2)),
    # Depressor anguli oris: lip corners straight down, a pouch below them.
    15: (("mouthFrown_*", 1.05), ("cornerDrop_*", 1.0)),
    # Mentalis: chin boss and lower lip up, lower lip may stick out.
    17: (("mouthShrugLower", 0.8), ("mouthShrugUpper", 0.62), ("chinBoss", 1.0)),
    # Risorius: lips pulled straight sideways, flattened and stretched.
    20: (("mouthStretch_*", 1.05), ("cornerPull_*", 1.0), ("lipFlatten", 0.9)),
    # Lips part without the jaw.
    25: (("mouthLowerDown_*", 0.55), ("mouthUpperUp_*", 0.22), ("jawOpen", 0.05)),
    # The mandible drops by relaxation.
    26: (("jawOpen", 0.50),),
    # Beside the study's twelve: further labels, and what else happens in front of every camera.
    7: (("eyeSquint_*", 1.0), ("eyeBlink_*", 0.15)),
    10: (("mouthUpperUp_*", 0.9), ("noseSneer_*", 0.2)),
    14: (("mouthDimple_*", 1.0),),
    18: (("mouthPucker", 0.9),),
    22: (("mouthFunnel", 0.8),),
    23: (("mouthPress_*", 1.0), ("lipFlatten", 0.6)),
    24: (("mouthPress_*", 0.8), ("mouthRollLower", 0.25), ("mouthRollUpper", 0.25)),
    28: (("mouthRollLower", 0.8), ("mouthRollUpper", 0.6)),
    33: (("cheekPuff_*", 0.9),),
    45: (("eyeBlink_*", 1.0),),
}

# Actions whose two halves move apart in the mesh, so that each side has an intensity of its own.
SIDED: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 20, 45)

# FACS scores A-E (1-5) are not evenly spaced: the manual lets C-D cover the widest range. The curve
# is a choice and was not fitted to human coders.
_INTENSITIES: Final = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_STRENGTHS: Final = (0.0, 0.18, 0.38, 0.60, 0.82, 1.0)
# Beyond these the mesh cuts through itself.
_LIMITS: Final = {"jawOpen": 0.95, "eyeBlink_L": 1.0, "eyeBlink_R": 1.0}
_SQUINT_LIMIT: Final = 1.2


def strength(intensity: float, /) -> float:
    """Returns how far an action of this FACS intensity (0-5) goes, 0-1."""
    return float(np.interp(intensity, _INTENSITIES, _STRENGTHS))


def side_intensities(au: int, intensity: float, tilt: float, /) -> tuple[float, float]:
    """Returns the intensity (0-5) an action shows on the person's left and right side.

    What `shape_weights` does with a tilt, read back on the scale of intensities.

    Raises:
        KeyError: the action has no shapes for each side.
    """
    if au not in SIDED:
        raise KeyError(au)
    moved = strength(intensity)
    left, right = (
        float(np.interp(moved * gain, _STRENGTHS, _INTENSITIES)) for gain in (1 + tilt, 1 - tilt)
    )
    return left, right


def sides(shape: str, /) -> tuple[str, ...]:
    """Returns the mesh's names of a shape of the table: itself, or its left and right half."""
    if not shape.endswith("*"):
        return (shape,)
    return (shape[:-1] + "L", shape[:-1] + "R")


def shape_weights(
    intensities: Mapping[int, float], /, *, tilts: Mapping[int, float] | None = None
) -> dict[str, float]:
    """Returns the weight of each shape for the AUs' intensities (0-5).

    `tilts` makes actions one-sided: t multiplies the left half by 1 + t and the right by 1 - t.
    """
    tilts = tilts or {}
    weights: dict[str, float] = {}
    for au, intensity in intensities.items():
        if intensity <= 0:
            continue
        for shape, full in AU_SHAPES[au]:
            for name in sides(shape):
                side = {"_L": 1.0, "_R": -1.0}.get(name[-2:], 0.0)
                gain = 1.0 + side * tilts.get(au, 0.0)
                weights[name] = weights.get(name, 0.0) + full * strength(intensity) * gain
    return {name: _limited(name, weight) for name, weight in weights.items()}


def _limited(name: str, weight: float) -> float:
    if name.startswith("eyeSquint"):
        return min(weight, _SQUINT_LIMIT)
    return min(weight, _LIMITS.get(name, np.inf))
