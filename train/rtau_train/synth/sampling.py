"""Draws what a face does: which actions occur together, how strongly, and what else happens.

Expressions follow the emotion prediction tables of the FACS Investigator's Guide (Ekman, Friesen &
Hager 2002) and what talking, doubting or hurting people do; half of the pictures are single actions
and random mixes, so that no action can be guessed from another. The rates are choices, not counts.
Labels are mended here where geometry shows that the lips part. Called by `picture.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from rtau.facs import DISFA_PLUS_AUS
from rtau_train.synth.shapes import SIDED, shape_weights, strength

LABELLED: Final = tuple(int(au) for au in DISFA_PLUS_AUS)
DISTRACTORS: Final = (7, 10, 14, 18, 22, 23, 24, 28, 33, 45)


class Part(NamedTuple):
    """An action's share in an expression: how often it takes part, and between which strengths."""

    chance: float
    low: float
    high: float


# Name -> (how often, its actions).
EXPRESSIONS: Final[Mapping[str, tuple[float, Mapping[int, Part]]]] = {
    "neutral": (0.15, {}),
    "smile": (0.12, {
        6: Part(0.75, 1, 5), 12: Part(1, 1, 5), 25: Part(0.6, 1, 5), 26: Part(0.15, 0.5, 2),
        14: Part(0.1, 1, 3), 7: Part(0.3, 1, 3), 10: Part(0.1, 0.5, 2),
    }),
    "surprise": (0.06, {
        1: Part(0.95, 1.5, 5), 2: Part(0.95, 1.5, 5), 5: Part(0.75, 1, 5),
        25: Part(0.8, 1, 5), 26: Part(0.8, 1, 5),
    }),
    "anger": (0.07, {
        4: Part(1, 1.5, 5), 5: Part(0.35, 0.5, 4), 7: Part(0.5, 1, 5), 17: Part(0.3, 1, 3.5),
        23: Part(0.35, 1, 4), 24: Part(0.3, 1, 4), 10: Part(0.2, 1, 3), 25: Part(0.2, 1, 3),
    }),
    "disgust": (0.06, {
        9: Part(0.9, 1.5, 5), 10: Part(0.4, 1, 4), 4: Part(0.45, 1, 3), 17: Part(0.35, 1, 4),
        25: Part(0.3, 1, 4), 6: Part(0.25, 0.5, 2), 15: Part(0.2, 0.5, 3),
    }),
    "sad": (0.06, {
        1: Part(0.85, 1, 4.5), 4: Part(0.6, 0.5, 3.5), 15: Part(0.9, 1, 5), 17: Part(0.5, 1, 4.5),
        25: Part(0.1, 0.5, 2), 6: Part(0.1, 0.5, 2), 7: Part(0.2, 1, 3),
    }),
    "fear": (0.06, {
        1: Part(0.9, 1, 5), 2: Part(0.6, 1, 4), 4: Part(0.6, 1, 4), 5: Part(0.8, 1, 5),
        20: Part(0.85, 1, 5), 25: Part(0.7, 1, 4), 26: Part(0.4, 1, 4),
    }),
    "pain": (0.03, {
        4: Part(0.9, 1, 5), 6: Part(0.7, 1, 5), 7: Part(0.7, 1, 5), 9: Part(0.5, 1, 4),
        10: Part(0.4, 1, 4), 20: Part(0.3, 1, 4), 25: Part(0.5, 1, 4), 45: Part(0.3, 3, 5),
    }),
    "doubt": (0.04, {
        17: Part(0.9, 1, 5), 15: Part(0.7, 1, 5), 1: Part(0.4, 1, 4), 2: Part(0.5, 1, 4),
        24: Part(0.2, 1, 3),
    }),
    "contempt": (0.02, {14: Part(0.8, 1.5, 5), 12: Part(0.3, 0.5, 2), 2: Part(0.15, 1, 3)}),
    "talk": (0.07, {
        25: Part(0.9, 0.5, 4.5), 26: Part(0.6, 0.5, 4), 12: Part(0.2, 0.5, 2.5),
        20: Part(0.15, 0.5, 2), 18: Part(0.2, 1, 4), 22: Part(0.2, 1, 4), 1: Part(0.1, 0.5, 3),
        2: Part(0.1, 0.5, 3), 4: Part(0.1, 0.5, 3), 10: Part(0.15, 0.5, 2.5),
    }),
    "single": (0.16, {}),
    "random": (0.10, {}),
}  # fmt: skip
# Single actions: what is seldom learnt at the size of a crop is drawn twice as often.
_SINGLE: Final = (*LABELLED, 1, 5, 15, 17, 7, 10, 14, 23, 24)
# Action beside the labelled ones -> (how often, highest intensity).
_DISTRACTOR_RATES: Final = {
    7: (0.14, 5), 10: (0.10, 4.5), 14: (0.10, 5), 18: (0.03, 4), 22: (0.02, 3), 23: (0.08, 5),
    24: (0.09, 5), 28: (0.02, 4), 33: (0.02, 4), 45: (0.10, 5),
}  # fmt: skip
_CLOSE_THE_LIPS: Final = (18, 22, 23, 24, 28, 33)
_CANNOT_JOIN: Final = ((12, 15), (20, 18), (17, 26), (24, 26), (5, 45), (28, 26))
# Chance that an action is one-sided, and by how much; the rest differ a little between the sides.
_ONE_SIDED: Final = {14: 0.4, 45: 0.15}
_ONE_SIDED_ELSE: Final = 0.12
_PERSONAL_GAIN: Final = 0.10


@dataclasses.dataclass(frozen=True)
class Expression:
    """What a face does, before geometry has the last word on the lips."""

    name: str
    intensities: Mapping[int, float]
    """FACS intensity 0-5 of every labelled action and of the distractors that occur."""
    weights: Mapping[str, float]
    """Weight of each shape of the mesh."""
    tilts: Mapping[int, float]
    """How much stronger than its mean an action is on the person's left, as a share."""


def sampled_expression(rng: np.random.Generator, /) -> Expression:
    """Returns a sampled expression."""
    names = list(EXPRESSIONS)
    shares = np.array([EXPRESSIONS[name][0] for name in names])
    name = str(rng.choice(names, p=shares / shares.sum()))
    actions = _actions(name, rng)
    _add_distractors(actions, rng)
    _part_incompatible(actions, rng)
    if actions.get(26, 0) > 0.5 and actions.get(25, 0) < 1:
        # A jaw that drops takes the lower lip along.
        actions[25] = float(rng.uniform(1, 3))
    tilts = _tilts(actions, rng)
    weights = _personal(shape_weights(actions, tilts=tilts), rng)
    for shape, weight in _glance(rng).items():
        weights[shape] = weights.get(shape, 0.0) + weight
    return Expression(name, {**dict.fromkeys(LABELLED, 0.0), **actions}, weights, tilts)


def restricted(expression: Expression, shown: frozenset[int], /) -> Expression:
    """Returns an expression without the distractors that a head model cannot show.

    Raises:
        ValueError: the model cannot show one of the labelled actions.
    """
    if not shown.issuperset(LABELLED):
        raise ValueError(f"a head model must show {LABELLED}, got {sorted(shown)}")
    if shown.issuperset(expression.intensities):
        return expression
    kept = {au: value for au, value in expression.intensities.items() if au in shown}
    return dataclasses.replace(expression, intensities=kept)


def only(actions: Mapping[int, float], /) -> Expression:
    """Returns exactly these actions, symmetric and at the strength of the table."""
    full = {**dict.fromkeys(LABELLED, 0.0), **actions}
    return Expression("given", full, shape_weights(actions), {})


def parted_lips(intensities: Mapping[int, float], lip_gap_cm: float, /) -> dict[int, float]:
    """Returns the intensities with AU 25 as the mesh shows it.

    Other actions part or close the lips too: AU 10 uncovers teeth, AU 24 keeps them hidden. The gap
    is between the inner lips, beyond the person's rest.
    """
    mended = dict(intensities)
    seen = float(np.interp(lip_gap_cm, (0.10, 0.25, 1.0, 2.0), (0.0, 0.8, 3.0, 4.0)))
    if lip_gap_cm > 0.12 and mended[25] < 0.6 * seen:
        mended[25] = seen
    if lip_gap_cm < 0.06 and mended[25] > 0.5:
        mended[25] = 0.3
    return mended


def fold_gains(
    intensities: Mapping[int, float], /, *, wrinkled: float, gain: float, rng: np.random.Generator
) -> dict[str, float]:
    """Returns how deep each set of folds is: the actions' own, and what age has left.

    Skin folds more for the old; age lines are there without any action, so that a line alone gives
    no action away.
    """
    gains = {}
    for au in (1, 2, 4, 6, 7, 9, 10, 12, 14, 15, 17, 20):
        acting = strength(intensities.get(au, 0.0))
        gains[f"au{au}"] = acting * gain * float(rng.uniform(0.5, 1.35))
    gains["age_forehead"] = 0.8 * wrinkled * float(rng.random())
    gains["age_eyes"] = 0.8 * wrinkled * float(rng.random()) + 0.1 * float(rng.random())
    gains["age_frown"] = 0.8 * wrinkled * float(rng.random())
    gains["age_mouth"] = 0.7 * wrinkled * float(rng.random()) + 0.25 * float(rng.random())
    gains["age_neck"] = 0.9 * wrinkled
    return gains


def _actions(name: str, rng: np.random.Generator) -> dict[int, float]:
    if name == "single":
        actions = {int(rng.choice(_SINGLE)): float(rng.uniform(1.5, 5))}
        if rng.random() < 0.3:
            actions.setdefault(int(rng.choice(LABELLED)), float(rng.uniform(0.5, 5)))
        return actions
    if name == "random":
        chosen = rng.choice(LABELLED, int(rng.integers(2, 6)), replace=False)
        return {int(au): float(rng.uniform(0.5, 5)) for au in chosen}
    scale = rng.uniform(0.6, 1.0)
    actions = {}
    for au, part in EXPRESSIONS[name][1].items():
        if rng.random() < part.chance:
            how = rng.uniform(part.low, part.high) * (scale if rng.random() < 0.7 else 1.0)
            actions[au] = float(np.clip(how, 0.3, 5))
    if rng.random() < 0.12:
        actions.setdefault(int(rng.choice(LABELLED)), float(rng.uniform(0.5, 3)))
    return actions


def _add_distractors(actions: dict[int, float], rng: np.random.Generator) -> None:
    mouth_busy = actions.get(25, 0) > 0 or actions.get(12, 0) > 2 or actions.get(20, 0) > 0
    for au, (rate, highest) in _DISTRACTOR_RATES.items():
        happens = rng.random() < rate
        how = float(rng.uniform(0.5, highest))
        if happens and not (au in _CLOSE_THE_LIPS and mouth_busy):
            actions.setdefault(au, how)


def _part_incompatible(actions: dict[int, float], rng: np.random.Generator) -> None:
    """Drops one of two actions that a face hardly does at once, or that the mesh cannot show."""
    for first, second in _CANNOT_JOIN:
        if actions.get(first, 0) > 1 and actions.get(second, 0) > 1:
            del actions[first if rng.random() < 0.5 else second]


def _tilts(actions: Mapping[int, float], rng: np.random.Generator) -> dict[int, float]:
    tilts = {}
    for au in actions:
        if au not in SIDED:
            continue
        tilt = float(rng.normal(0, 0.10))
        if rng.random() < _ONE_SIDED.get(au, _ONE_SIDED_ELSE):
            tilt = float(rng.choice([-1, 1]) * rng.uniform(0.4, 0.8))
        tilts[au] = tilt
    return tilts


def _personal(weights: Mapping[str, float], rng: np.random.Generator) -> dict[str, float]:
    """Returns weights as this person's face does them: every shape a little more or less."""
    gains: dict[str, float] = {}
    personal = {}
    for name, weight in weights.items():
        stem = name.removesuffix("_L").removesuffix("_R")
        if stem not in gains:
            gains[stem] = float(np.exp(rng.normal(0, _PERSONAL_GAIN)))
        personal[name] = weight * gains[stem]
    return personal


def _glance(rng: np.random.Generator) -> dict[str, float]:
    """Returns where the eyes look, and now and then a jaw or mouth pushed to one side."""
    x, y = (float(v) for v in np.clip(rng.normal(0, 0.35, 2), -0.9, 0.9))
    weights: dict[str, float] = {}
    for side in "LR":
        across = "Out" if (x > 0) == (side == "R") else "In"
        weights[f"eyeLook{across}_{side}"] = abs(x)
        weights[f"eyeLook{'Up' if y > 0 else 'Down'}_{side}"] = abs(y) * 0.7
    if rng.random() < 0.1:
        weights[str(rng.choice(["jawLeft", "jawRight"]))] = float(rng.uniform(0.1, 0.5))
    if rng.random() < 0.1:
        weights[str(rng.choice(["mouthLeft", "mouthRight"]))] = float(rng.uniform(0.1, 0.3))
    return weights
