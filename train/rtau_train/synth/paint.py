"""Paints on the face: where lips, beards, eye make-up, freckles and blushing go.

Masks share the frontal map of `wrinkles.py` and are made from the neutral mesh once; the rest is
drawn per picture. No colour is chosen here. Called by `render.py`.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from rtau_train.synth.wrinkles import MAP_SIZE, PX_PER_CM, X_CM, Y_CM, to_map

Floats = npt.NDArray[np.float32]

BEARD_PARTS: Final = ("moustache", "chin", "jaw", "goatee")


@dataclasses.dataclass(frozen=True)
class Masks:
    """Soft regions of the frontal map, each float32 (384, 320) in 0-1."""

    lips: Floats
    eyes: Floats
    cheeks: Floats
    beard: tuple[Floats, Floats, Floats, Floats]
    """In the order of `BEARD_PARTS`."""


def face_masks(landmarks_cm: Floats, /) -> Masks:
    """Returns the regions of a face whose 68 neutral landmarks are (68, 3) cm."""
    rows, columns = np.mgrid[0 : MAP_SIZE[1], 0 : MAP_SIZE[0]].astype(np.float32)
    x, y = columns / PX_PER_CM + X_CM[0], Y_CM[1] - rows / PX_PER_CM
    lips = _polygon(landmarks_cm[48:60])
    return Masks(
        lips=lips,
        eyes=_eyelids(),
        cheeks=np.exp(-(((np.abs(x) - 4.2) / 1.6) ** 2) - ((y + 0.2) / 1.5) ** 2),
        beard=_beard(np.abs(x), y, bare=1 - lips),
    )


def stubble(masks: Masks, amounts: tuple[float, ...], /) -> Floats:
    """Returns how much beard covers the skin, 0-1, for an amount per part."""
    total = np.zeros(MAP_SIZE[::-1], np.float32)
    for amount, part in zip(amounts, masks.beard, strict=True):
        total += np.float32(amount) * part
    return np.clip(total, 0, 1)


def blemishes(masks: Masks, rng: np.random.Generator, /, *, freckles: int, blush: float) -> Floats:
    """Returns a factor on the skin's colour: patches, freckles or moles, red cheeks."""
    factor = np.ones(MAP_SIZE[::-1], np.float32)
    for cells, amount in ((4, 0.045), (8, 0.03), (20, 0.025)):
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        factor += amount * cv2.resize(coarse, MAP_SIZE, interpolation=cv2.INTER_CUBIC)
    for _ in range(freckles):
        place = (int(rng.uniform(60, 260)), int(rng.uniform(90, 300)))
        radius = 1 if freckles > 5 else int(rng.integers(1, 3))
        cv2.circle(factor, place, radius, float(rng.uniform(0.6, 0.88)), -1, cv2.LINE_AA)
    return np.asarray(factor * (1 - np.float32(0.06 * blush) * masks.cheeks), np.float32)


def _polygon(points_cm: Floats) -> Floats:
    mask = np.zeros(MAP_SIZE[::-1], np.float32)
    columns, rows = to_map(points_cm[:, 0], points_cm[:, 1])
    cv2.fillPoly(mask, [np.stack([columns, rows], 1).astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.6), np.float32)


def _eyelids() -> Floats:
    mask = np.zeros(MAP_SIZE[::-1], np.float32)
    for x in (-3.2, 3.2):
        column, row = to_map(x, 4.3)
        axes = (int(1.6 * PX_PER_CM), int(0.75 * PX_PER_CM))
        cv2.ellipse(mask, (int(column), int(row)), axes, 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 4), np.float32)


def _soft(distance_cm: Floats, width_cm: float) -> Floats:
    """Returns a soft step: 1 where the distance is positive."""
    return np.asarray(1 / (1 + np.exp(-np.clip(distance_cm / width_cm, -40, 40))), np.float32)


def _beard(x: Floats, y: Floats, *, bare: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    above_neck = _soft(y + 8.8, 0.4)
    moustache = np.exp(-(((y + 2.05 + 0.05 * x * x) / 0.62) ** 4)) * _soft(3.1 - x, 0.25)
    chin = _soft(-4.75 - y, 0.22) * _soft(3.0 - x, 0.6) * above_neck
    jaw = _soft(-3.4 - y + (x - 3.0) * 0.55, 0.4) * _soft(x - 2.7, 0.4) * above_neck
    side = _soft(x - 5.6, 0.3) * _soft(3 - y, 0.5) * above_neck
    goatee = np.exp(-(((x - 2.75) / 0.45) ** 2)) * _soft(-2.6 - y, 0.3) * _soft(y + 6.0, 0.4)
    parts = (moustache, chin, np.maximum(jaw, side), goatee)
    first, second, third, fourth = (np.asarray(part * bare, np.float32) for part in parts)
    return first, second, third, fourth
