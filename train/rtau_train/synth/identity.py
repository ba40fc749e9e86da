"""Samples a person: head shape, skin, hair, brows, eyes, beard, make-up, age.

Sex is even, skin tone is even over six steps, and age leans to adults; skins painted for other
tones are recoloured, so every combination occurs. Numbers here are looks, not actions. Called by
`picture.py` and `clip.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rtau_train.synth.assets import BROW_HEIGHTS, BROW_TEXTURES, SKINS

Floats = npt.NDArray[np.float32]
Colour = tuple[float, float, float]

# Linear albedo of cheeks, step 1 (lightest) to 6 (darkest), near Fitzpatrick's types I-VI.
TONES: Final[tuple[Colour, ...]] = (
    (0.70, 0.49, 0.40),
    (0.64, 0.43, 0.33),
    (0.54, 0.34, 0.235),
    (0.40, 0.23, 0.145),
    (0.235, 0.122, 0.072),
    (0.115, 0.060, 0.038),
)
AGE_SHARES: Final = (0.46, 0.33, 0.21)
"""Young, middle-aged, old."""
CHILD_SHARE: Final = 0.15
"""Of the young."""
# black, dark brown, brown, light brown, fair, blond, red, grey, white
_HAIR_COLOURS: Final[tuple[Colour, ...]] = (
    (0.012, 0.009, 0.008), (0.025, 0.015, 0.010), (0.06, 0.03, 0.017), (0.11, 0.06, 0.03),
    (0.22, 0.13, 0.06), (0.38, 0.26, 0.13), (0.16, 0.055, 0.022), (0.30, 0.29, 0.28),
    (0.52, 0.51, 0.49),
)  # fmt: skip
_HAIR_SHARES: Final = {
    True: (0.20, 0.18, 0.19, 0.15, 0.12, 0.08, 0.05, 0.02, 0.01),
    False: (0.55, 0.31, 0.08, 0.02, 0.01, 0.01, 0.0, 0.01, 0.01),
}
_GREY: Final = (7, 8)
_IRISES: Final[tuple[Colour, ...]] = (
    (0.10, 0.045, 0.018), (0.06, 0.028, 0.014), (0.16, 0.09, 0.04), (0.14, 0.15, 0.07),
    (0.16, 0.24, 0.34), (0.25, 0.32, 0.36), (0.12, 0.20, 0.14),
)  # fmt: skip
_IRIS_SHARES: Final = {
    True: (0.22, 0.14, 0.14, 0.13, 0.17, 0.12, 0.08),
    False: (0.44, 0.50, 0.06, 0.0, 0.0, 0.0, 0.0),
}
_STYLES: Final[Mapping[str, Mapping[str, float]]] = {
    "m": {
        "short01": 0.24, "short02": 0.24, "short04": 0.20, "short03": 0.04, "cropped": 0.17,
        "none": 0.06, "bob02": 0.015, "ponytail01": 0.02, "long01": 0.015,
    },
    "f": {
        "long01": 0.33, "ponytail01": 0.28, "braid01": 0.14, "short02": 0.09, "short03": 0.04,
        "bob02": 0.03, "cropped": 0.06, "none": 0.03,
    },
}  # fmt: skip
_ETHNICITIES: Final = ("african", "asian", "caucasian")
# Leaning of face shape by skin tone, lightest to darkest; every shape occurs with every tone.
_ETHNIC_SHARES: Final = (
    (0.04, 0.30, 0.66), (0.05, 0.33, 0.62), (0.10, 0.40, 0.50),
    (0.25, 0.38, 0.37), (0.62, 0.19, 0.19), (0.80, 0.10, 0.10),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Appearance:
    """One person; colours are linear RGB."""

    sex: str
    age_group: int
    child: float
    """How childlike the shape is, 0-1."""
    ethnicity: str
    """The leaning of the face's shape."""
    skin_tone: int
    """1 lightest to 6 darkest."""
    coefficients: Floats
    macro: Mapping[str, float]
    skins: tuple[int, int]
    """Rows of `assets.SKINS` that are mixed."""
    skin_share: float
    tone: Colour
    contrast: float
    redness_dropped: float
    wetness: float
    gloss: float
    wrinkled: float
    """How far age has creased the skin, 0-1."""
    fold_gain: float
    """How deep this skin folds, about 1."""
    freckles: int
    blush: float
    hair: str
    hair_colour: Colour
    fringe: float
    """Share that is left of a fringe over the brows."""
    hair_sheen: float
    brow: int
    brow_colour: Colour
    brow_density: float
    brow_stretch: float
    lash_density: float
    eye_shade: float
    iris: Colour
    iris_radius: float
    pupil: float
    sclera: float
    teeth: Colour
    tongue: Colour
    lip_colour: Colour
    lip_paint: float
    eye_paint: float
    beard: tuple[float, float, float, float]
    beard_colour: Colour
    cloth: Colour
    collar_cm: float
    seed: float


def sampled_appearance(rng: np.random.Generator, /) -> Appearance:
    """Returns a sampled person."""
    sex = "f" if rng.random() < 0.5 else "m"
    age = int(rng.choice(3, p=AGE_SHARES))
    tone_step = int(rng.integers(6))
    light = tone_step < 3
    ethnicity = str(rng.choice(_ETHNICITIES, p=_ETHNIC_SHARES[tone_step]))
    child = float(rng.uniform(0.2, 0.7)) if age == 0 and rng.random() < CHILD_SHARE else 0.0
    tone = _tone(tone_step, rng)
    coefficients = np.clip(rng.normal(0, 1, 100), -2.5, 2.5) * rng.uniform(0.55, 0.95)
    hair_colour = _hair_colour(rng, age=age, light=light, ethnicity=ethnicity)
    wrinkled = float(rng.uniform(*((0.0, 0.15), (0.08, 0.5), (0.35, 1.0))[age]))
    return Appearance(
        sex=sex,
        age_group=age,
        child=child,
        ethnicity=ethnicity,
        skin_tone=tone_step + 1,
        coefficients=coefficients.astype(np.float32),
        macro=_macro(rng, sex=sex, age=age, child=child, ethnicity=ethnicity),
        tone=tone,
        wrinkled=wrinkled,
        fold_gain=float(rng.uniform(0.5, 1.2) * (0.7 + 0.7 * wrinkled) + 0.15),
        hair_colour=hair_colour,
        **_skin(rng, sex=sex, age=age, light=light),
        **_hair(sex, hair_colour, rng),
        **_eyes(light, rng),
        **_mouth(sex, child, rng),
        **_beard(rng, sex=sex, child=child, colour=hair_colour),
        cloth=_triple(rng.uniform(0.02, 0.6, 3) * rng.choice([1, 0.3])),
        collar_cm=float(rng.uniform(-14.6, -12.4)),
        seed=float(rng.random()),
    )


def _triple(values: npt.ArrayLike) -> Colour:
    red, green, blue = (float(value) for value in np.asarray(values).reshape(3))
    return red, green, blue


def _tone(step: int, rng: np.random.Generator) -> Colour:
    """Returns an albedo near a step: neighbours touch, hue wanders a little."""
    here = np.log(TONES[step])
    there = np.log(TONES[int(np.clip(step + rng.choice([-1, 1]), 0, 5))])
    mixed = here + (there - here) * rng.uniform(0, 0.5)
    return _triple(np.exp(mixed + rng.normal(0, 0.05) + rng.normal(0, 0.035, 3)))


def _macro(
    rng: np.random.Generator, *, sex: str, age: int, child: float, ethnicity: str
) -> dict[str, float]:
    long_sex = {"m": "male", "f": "female"}[sex]
    old = float(rng.uniform(*((0.0, 0.0), (0.0, 0.35), (0.35, 1.0))[age]))
    second = str(rng.choice(_ETHNICITIES))
    share = float(rng.uniform(0, 0.45))
    size = float(rng.uniform(0.7, 1.25))
    weights: dict[str, float] = {}
    for name, part in ((ethnicity, 1 - share), (second, share)):
        for stage, amount in (("young", 1 - old - child), ("old", old), ("child", child)):
            key = f"{name}_{long_sex}_{stage}"
            weights[key] = weights.get(key, 0.0) + size * part * amount
    return weights


def _skin(rng: np.random.Generator, *, sex: str, age: int, light: bool) -> dict[str, Any]:
    """Returns two textures of this sex, nearest in age and tone most often, and how they mix."""
    weights = np.array(
        [
            0.0 if skin.sex != sex
            else (3.0, 1.2, 0.25)[abs(skin.age_group - age)] * (2.0 if skin.dark != light else 1.0)
            for skin in SKINS
        ]
    )  # fmt: skip
    first, second = (int(row) for row in rng.choice(len(SKINS), 2, p=weights / weights.sum()))
    recoloured = SKINS[first].dark == light
    return {
        "skins": (first, second),
        "skin_share": float(rng.uniform(0, 0.6)),
        "contrast": float(rng.uniform(0.6, 0.85) if recoloured else rng.uniform(0.8, 1.1)),
        "redness_dropped": float(rng.uniform(0.25, 0.5) if recoloured else rng.uniform(0, 0.2)),
        "wetness": float(rng.uniform(0.4, 2.2)),
        "gloss": float(rng.uniform(10, 32)),
        "freckles": int(rng.integers(0, 40) if light and rng.random() < 0.3 else rng.integers(3)),
        "blush": float(rng.uniform(0, 1)),
    }


def _hair_colour(rng: np.random.Generator, *, age: int, light: bool, ethnicity: str) -> Colour:
    shares = _HAIR_SHARES[light and ethnicity == "caucasian"]
    row = int(rng.choice(len(_HAIR_COLOURS), p=shares))
    if age == 2 and rng.random() < 0.6:
        row = int(rng.choice(_GREY))
    return _triple(np.array(_HAIR_COLOURS[row]) * rng.uniform(0.7, 1.3))


def _hair(sex: str, colour: Colour, rng: np.random.Generator) -> dict[str, Any]:
    styles = _STYLES[sex]
    shares = np.array(list(styles.values()))
    brow = np.minimum(np.array(colour) * rng.uniform(0.4, 0.9), 0.16)
    texture, height = int(rng.integers(BROW_TEXTURES)), int(rng.integers(BROW_HEIGHTS))
    return {
        "hair": str(rng.choice(list(styles), p=shares / shares.sum())),
        "fringe": float(rng.uniform(0.05, 0.8) if rng.random() < 0.85 else 1.0),
        "hair_sheen": float(rng.uniform(0.3, 1.5)),
        "brow": texture * BROW_HEIGHTS + height,
        "brow_colour": _triple(brow),
        "brow_density": float(rng.uniform(0.5, 1.2)),
        "brow_stretch": float(rng.uniform(0.75, 1.35)),
    }


def _eyes(light: bool, rng: np.random.Generator) -> dict[str, Any]:
    row = int(rng.choice(len(_IRISES), p=_IRIS_SHARES[light]))
    return {
        "lash_density": float(rng.uniform(0.25, 0.95)),
        "eye_shade": float(rng.uniform(0.25, 0.55)),
        "iris": _triple(np.array(_IRISES[row]) * rng.uniform(0.7, 1.3)),
        "iris_radius": float(rng.uniform(0.70, 0.80)),
        "pupil": float(rng.uniform(0.25, 0.5)),
        "sclera": float(rng.uniform(0.8, 1.0)),
    }


def _mouth(sex: str, child: float, rng: np.random.Generator) -> dict[str, Any]:
    made_up = sex == "f" and child == 0
    yellow = rng.uniform(0, 1)
    return {
        "teeth": _triple(np.array([0.74, 0.70 - 0.06 * yellow, 0.62 - 0.16 * yellow])
                         * rng.uniform(0.65, 1.1)),
        "tongue": _triple(np.array([0.40, 0.13, 0.12]) * rng.uniform(0.7, 1.15)),
        "lip_colour": (
            float(rng.uniform(0.75, 1.15)),
            float(rng.uniform(0.35, 0.8)),
            float(rng.uniform(0.4, 0.85)),
        ),
        "lip_paint": float(rng.uniform(0, 1) if made_up else rng.uniform(0, 0.4)),
        "eye_paint": float(max(0.0, rng.uniform(-1.0, 0.7))) if made_up else 0.0,
    }  # fmt: skip


def _beard(rng: np.random.Generator, *, sex: str, child: float, colour: Colour) -> dict[str, Any]:
    amounts = np.zeros(4)
    kind = rng.random()
    if sex == "m" and child == 0:
        if kind < 0.30:
            amounts[:] = rng.uniform(0.05, 0.35) * np.array([1, 1, 1, 0.3])
        elif kind < 0.44:
            amounts[:] = rng.uniform(0.55, 1.0) * np.array([1, 1, 1, 0.5])
        elif kind < 0.51:
            amounts[0] = rng.uniform(0.6, 1.0)
        elif kind < 0.58:
            amounts[[0, 1, 3]] = rng.uniform(0.6, 1.0)
    first, second, third, fourth = (float(amount) for amount in amounts)
    return {
        "beard": (first, second, third, fourth),
        "beard_colour": _triple(np.minimum(np.array(colour) * 0.55 + 0.004, 0.22)),
    }
