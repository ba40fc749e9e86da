"""Blend shapes of avatars and the Action Units that move them, by the meaning FACS gives each.

Two vocabularies: ARKit's, which VTubing programs call PerfectSync, and the Unified Expressions of
VRCFaceTracking. A name that ends in Left or Right is the person's own left or right.
"""

from __future__ import annotations

from collections.abc import Mapping

# Label -> (shape, share of the weight). `*` stands for Left and Right.
Table = Mapping[str, tuple[tuple[str, float], ...]]

ARKIT: Table = {
    "AU01": (("browInnerUp", 1.0),),
    "AU02": (("browOuterUp*", 1.0),),
    "AU04": (("browDown*", 1.0),),
    "AU05": (("eyeWide*", 1.0),),
    "AU06": (("cheekSquint*", 1.0),),
    "AU07": (("eyeSquint*", 1.0),),
    "AU09": (("noseSneer*", 1.0),),
    "AU10": (("mouthUpperUp*", 1.0),),
    "AU12": (("mouthSmile*", 1.0),),
    "AU14": (("mouthDimple*", 1.0),),
    "AU15": (("mouthFrown*", 1.0),),
    "AU16": (("mouthLowerDown*", 1.0),),
    "AU17": (("mouthShrugLower", 1.0), ("mouthShrugUpper", 0.5)),
    "AU18": (("mouthPucker", 1.0),),
    "AU20": (("mouthStretch*", 1.0),),
    "AU22": (("mouthFunnel", 1.0),),
    "AU23": (("mouthPress*", 0.5), ("mouthRollLower", 0.5), ("mouthRollUpper", 0.5)),
    "AU24": (("mouthPress*", 1.0),),
    # Parted lips without a dropped jaw.
    "AU25": (("mouthLowerDown*", 0.4), ("mouthUpperUp*", 0.2), ("jawOpen", 0.1)),
    "AU26": (("jawOpen", 0.6),),
    "AU27": (("jawOpen", 1.0),),
    "AU28": (("mouthRollLower", 1.0), ("mouthRollUpper", 1.0)),
    "AU45": (("eyeBlink*", 1.0),),
}
UNIFIED: Table = {
    "AU01": (("BrowInnerUp*", 1.0),),
    "AU02": (("BrowOuterUp*", 1.0),),
    "AU04": (("BrowLowerer*", 1.0), ("BrowPinch*", 1.0)),
    "AU05": (("EyeWide*", 1.0),),
    "AU06": (("CheekSquint*", 1.0),),
    "AU07": (("EyeSquint*", 1.0),),
    "AU09": (("NoseSneer*", 1.0),),
    "AU10": (("MouthUpperUp*", 1.0),),
    "AU12": (("MouthCornerPull*", 1.0), ("MouthCornerSlant*", 1.0)),
    "AU14": (("MouthDimple*", 1.0),),
    "AU15": (("MouthFrown*", 1.0),),
    "AU16": (("MouthLowerDown*", 1.0),),
    "AU17": (("MouthRaiserLower", 1.0), ("MouthRaiserUpper", 0.5)),
    "AU18": (("LipPuckerUpper*", 1.0), ("LipPuckerLower*", 1.0)),
    "AU20": (("MouthStretch*", 1.0),),
    "AU22": (("LipFunnelUpper*", 1.0), ("LipFunnelLower*", 1.0)),
    "AU23": (("MouthTightener*", 1.0),),
    "AU24": (("MouthPress*", 1.0),),
    "AU25": (("MouthLowerDown*", 0.4), ("MouthUpperUp*", 0.2), ("JawOpen", 0.1)),
    "AU26": (("JawOpen", 0.6),),
    "AU27": (("JawOpen", 1.0),),
    "AU28": (("LipSuckLower*", 1.0), ("LipSuckUpper*", 1.0)),
    "AU45": (("EyeClosed*", 1.0),),
}
TABLES: Mapping[str, Table] = {"arkit": ARKIT, "unified": UNIFIED}


def weights(strengths: Mapping[str, float], table: Table) -> dict[str, float]:
    """Returns the weight of every shape that the labels move, in [0, 1].

    Args:
        strengths: of each label, in [0, 1]; `AU12_L` and `AU12_R`, the person's own left and
            right, stand in for `AU12` where they are known.
        table: the vocabulary.
    """
    found: dict[str, float] = {}
    for label, shapes in table.items():
        both = strengths.get(label)
        for shape, share in shapes:
            if not shape.endswith("*"):
                _raise_to(found, shape, strength=both, share=share)
                continue
            for side in ("Left", "Right"):
                one = strengths.get(f"{label}_{side[0]}", both)
                _raise_to(found, f"{shape[:-1]}{side}", strength=one, share=share)
    return found


def _raise_to(found: dict[str, float], shape: str, *, strength: float | None, share: float) -> None:
    """Keeps the largest weight of a shape that several labels move."""
    if strength is not None:
        weight = min(max(strength, 0.0), 1.0) * share
        found[shape] = max(found.get(shape, 0.0), weight)
